// Package classic reads and writes programs of classic BPF: the filters that
// tcpdump compiles, that sockets take with SO_ATTACH_FILTER and tc as bytecode.
//
// [Assemble] and [Disassemble] are twins over the syntax of the kernel's bpf_asm
// (Documentation/networking/filter.rst, tools/bpf/bpf_exp.y):
//
//	        ldh [12]                 ; a comment, as is /* this */
//	        jeq #0x800, ip, drop     ; to label ip if A is 0x800, to drop if not
//	ip:     ldb [23]
//	        jneq #6, drop
//	        ret #-1
//	drop:   ret #0
//
// A load takes one of
//
//	[k]  [x + k]  M[k]  #k  4*([k]&0xf)
//
// or the name of an extension, with or without "#": len, proto, type, poff, ifidx,
// nla, nlan, mark, queue, hatype, rxhash, cpu, vlan_tci, vlan_avail (vlan_pr),
// vlan_tpid, rand. Arithmetic, jumps and ret take #k or x (%x); ret also a (%a).
// Numbers are decimal with or without a sign, hexadecimal (0x), octal (0) or binary
// (0b). Words are read in any case, labels are not.
//
// [Parse] tells the other forms by themselves: tc's "N,c t f k,…", the lines of
// "tcpdump -ddd" and the C array of "tcpdump -dd".
package classic

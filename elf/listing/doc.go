// Package listing writes a BPF object as text, and makes an object of that text.
//
// A listing is a line for each instruction, in the words of package insn, and
// directives for the rest. What follows a ";" is a comment.
//
//	.endian little                        the byte order of the object
//	.section xdp progbits ax 8            a section: its type, flags and alignment
//	.function xdp_count                   a function begins here
//	.object counts local size 20          a map or a variable begins here
//	.symbol LBB0_2 local                  another symbol
//	.extern bpf_kfunc weak                a symbol that the kernel has
//	.common total size 8 align 4          a variable that gets its place later
//	.byte 01 02 ff                        bytes of a section of data
//	.zero 16                              as many bytes that are 0
//	.reloc 2 {xdp_tail}                   the relocation of what follows, by its type
//	L1:                                   a label that jumps go to
//
// Operands are names: "call count", "r1 = map[counts]", "r1 = &total+4",
// "r1 = &[.rodata]+16" for a place in a section. The name of a local function or
// variable stands for its place in its section, as compilers write it. A name with
// characters other than letters, digits, "_", "." and "$" is in double quotes; of
// several symbols with one name, each has "@" and its number after it.
//
// The text of a whole object has all that a loader reads but its BTF, and with
// [Options].Types that too: [Assemble] makes the same instructions, relocations,
// symbols and data of it.
package listing

// Relocation types, LLVM's include/llvm/BinaryFormat/ELFRelocs/BPF.def.
const (
	relocLoad = 1  // R_BPF_64_64: a 64-bit load
	relocCall = 10 // R_BPF_64_32: a call
)

package elf

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// checkType refuses a program that the hook cannot run, and, unless the caller insists, one
// that says that it is of another type, by its section or else by what it takes: the verifier
// takes many a program as either, and the 0 that lets a packet pass in tc drops it in XDP.
func (o *Object) checkType(f *part, s Selector) error {
	p := f.program()
	fault := &TypeError{Object: o.path, Program: p, Want: s.Type}
	if !p.RunsOn(s.Type) {
		return fault
	}
	if s.Force || s.Type == ebpf.UnspecifiedProgram {
		return nil
	}
	fault.Mild = true
	told := p.Type != ebpf.UnspecifiedProgram && !naming.KindOf(p.Section).Guess
	other := told && !sameVerdicts(p.Type, s.Type)
	if told && !other && s.Type != ebpf.XDP && !sameVerdicts(s.Type, ebpf.SchedCLS) {
		return nil // what runs on no packets takes what it likes
	}
	context := o.context(f)
	takes, known := takers(context)
	switch agrees := (takes == ebpf.XDP) == (s.Type == ebpf.XDP); {
	case !other && (agrees || !known):
		return nil
	case other && known && agrees && (takes == ebpf.XDP) != (p.Type == ebpf.XDP): // the section cannot be right
		return nil
	case !other:
		fault.Context = context
	}
	return fault
}

// sameVerdicts reports whether what a program of one type returns means the same for the other.
func sameVerdicts(a, b ebpf.ProgramType) bool {
	tc := func(t ebpf.ProgramType) bool { return t == ebpf.SchedCLS || t == ebpf.SchedACT }
	return a == b || tc(a) && tc(b)
}

// takers returns one of the types of programs that take a structure, if they run on packets
// (include/uapi/linux/bpf.h).
func takers(context string) (t ebpf.ProgramType, known bool) {
	switch context {
	case "xdp_md":
		return ebpf.XDP, true
	case "__sk_buff":
		return ebpf.SchedCLS, true
	}
	return ebpf.UnspecifiedProgram, false
}

// context returns the name of the structure that a program takes, "" if BTF does not say.
func (o *Object) context(f *part) string {
	index, err := o.ext[btfwire.ExtFunctions]()
	if err != nil {
		return ""
	}
	records := index.within(f.section.Name, f.start, f.start+insn.Size)
	x, err := o.btf()
	if err != nil || len(records) == 0 {
		return ""
	}
	proto := x.follow(o.order.Uint32(records[0].rest), btfwire.Func)
	if len(proto) < btfwire.TypeSize+8 {
		return ""
	}
	pointer := x.follow(o.order.Uint32(proto[btfwire.TypeSize+4:]), btfwire.Typedef, btfwire.Const, btfwire.Volatile, btfwire.Restrict)
	if _, kind, _ := btfwire.Head(o.order, pointer); kind != btfwire.Pointer {
		return ""
	}
	structure := x.follow(o.order.Uint32(pointer[8:]), btfwire.Typedef, btfwire.Const, btfwire.Volatile)
	if name, kind, _ := btfwire.Head(o.order, structure); kind == btfwire.Struct {
		text, _ := x.String(name)
		return string(text)
	}
	return ""
}

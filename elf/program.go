package elf

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// Program is a function of an object that a hook can run, or, in section
// ".text", a function that programs call.
type Program struct {
	Name    string // the function's name
	Section string // such as "xdp", with the '?' of an optional program

	// What the section's name says. Type is UnspecifiedProgram for a name
	// that means nothing, such as iproute2's "prog": the hook decides then.
	Type       ebpf.ProgramType
	AttachType ebpf.AttachType
	Flags      uint32 // such as BPF_F_XDP_HAS_FRAGS, include/uapi/linux/bpf.h
	AttachTo   string // what follows the slash in "fentry/tcp_connect"

	Optional     bool   // the section starts with '?': loaded only when it is asked for by name
	Static       bool   // the function has local binding
	Offset       uint64 // bytes from the start of the section
	Size         uint64 // bytes
	Instructions int    // slots of 8 bytes, as the kernel counts them: a 64-bit load takes two
}

// Programs returns the programs in file order: every function outside of
// section ".text". The caller may keep the slice.
func (o *Object) Programs() []Program { return o.functions(false) }

// Subprograms returns the functions of section ".text" in file order. They are
// called by programs; a static one has no symbol table entry when the compiler
// inlined it.
func (o *Object) Subprograms() []Program { return o.functions(true) }

func (o *Object) functions(text bool) (list []Program) {
	for i := range o.funcs {
		if f := &o.funcs[i]; (f.section.Name == textSection) == text {
			list = append(list, f.program())
		}
	}
	return list
}

// optional reports whether libbpf would leave the program out unless it is asked for.
func (f *part) optional() bool { return strings.HasPrefix(f.section.Name, "?") }

const textSection = ".text"

func (f *part) program() Program {
	kind := naming.KindOf(f.section.Name)
	return Program{
		Name:         f.name,
		Section:      f.section.Name,
		Type:         kind.Type,
		AttachType:   kind.Attach,
		Flags:        kind.Flags,
		AttachTo:     kind.Target,
		Optional:     f.optional(),
		Static:       f.static,
		Offset:       f.start,
		Size:         f.size,
		Instructions: int(min(f.size, f.section.Size) / insn.Size),
	}
}

// hookType reports whether the program runs on network packets, so that a hook
// of another kind can have it loaded as its own type, as iproute2 does.
func (p Program) hookType() bool {
	switch p.Type {
	case ebpf.UnspecifiedProgram, ebpf.SocketFilter, ebpf.SchedCLS, ebpf.SchedACT, ebpf.XDP,
		ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local, ebpf.CGroupSKB, ebpf.SkSKB:
		return true
	default:
		return false
	}
}

// RunsOn reports whether a hook that runs programs of type t can run this one: as
// iproute2 does, a program is loaded as the type of its hook, unless its section
// says that it is made for something else entirely. Type 0 is any hook.
func (p Program) RunsOn(t ebpf.ProgramType) bool {
	switch {
	case t == ebpf.UnspecifiedProgram || t == p.Type && t != ebpf.XDP:
		return true
	case p.AttachType == ebpf.AttachXDPDevMap || p.AttachType == ebpf.AttachXDPCPUMap:
		return false
	}
	return p.hookType()
}

// purpose says in words what a program is that a hook cannot run.
func (p Program) purpose() string {
	switch {
	case p.AttachType == ebpf.AttachXDPCPUMap:
		return "runs from an entry of a CPUMAP"
	case p.AttachType == ebpf.AttachXDPDevMap:
		return "runs from an entry of a DEVMAP"
	case p.Type == ebpf.Extension:
		return "replaces a function of another program, and needs that program as its target"
	case p.AttachTo != "":
		return naming.Sprintf("is of type %s and attaches to %q", kernelname.Program(p.Type), p.AttachTo)
	}
	return fmt.Sprintf("is of type %s", kernelname.Program(p.Type))
}

package elf

import (
	"debug/elf"
	"fmt"
	"slices"
	"strconv"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Reference is what an instruction depends on beside its operands.
type Reference struct {
	Offset uint64 // of the instruction, bytes from the start of its section
	Kind   ReferenceKind
	Name   string // of the function, map, or undefined symbol; the section's of a variable

	// Section and Value are the place of a function or variable: a section,
	// and bytes from its start.
	Section string
	Value   uint64

	Number int32 // of the helper, or the BTF type of a kernel function without a name
}

// ReferenceKind says what a [Reference] refers to.
type ReferenceKind int

// The kinds of reference.
const (
	RefHelper    ReferenceKind = iota // a call of a helper of the kernel, by number
	RefCall                           // a call of a function of the object
	RefFunction                       // the address of a function of the object, for a callback
	RefMap                            // a map
	RefVariable                       // the address of a variable or constant
	RefKernel                         // a call of a function of the kernel (kfunc)
	RefKernelVar                      // the address of a variable of the kernel, or a kernel setting
)

// String returns the kind in a few words, such as "map".
func (k ReferenceKind) String() string {
	switch k {
	case RefHelper:
		return "helper"
	case RefCall:
		return "call"
	case RefFunction:
		return "function address"
	case RefMap:
		return "map"
	case RefVariable:
		return "variable"
	case RefKernel:
		return "kernel function"
	case RefKernelVar:
		return "kernel variable"
	}
	return strconv.Itoa(int(k))
}

// Code returns a copy of the instructions of a program or subprogram of this
// object, in the object's byte order. The error is a [*FormatError].
func (o *Object) Code(p Program) ([]byte, error) {
	fn, err := o.functionOf(p)
	if err != nil {
		return nil, o.fault(err)
	}
	b, err := o.code(fn)
	return slices.Clone(b), o.fault(err)
}

// References returns what the instructions of a program or subprogram of this
// object refer to, in the order of the instructions, without what the functions refer
// to that it calls. The error is a [*FormatError] for the first that leads
// nowhere; the references before it are returned.
func (o *Object) References(p Program) ([]Reference, error) {
	fn, err := o.functionOf(p)
	if err != nil {
		return nil, o.fault(err)
	}
	refs, err := o.references(fn)
	return refs, o.fault(err)
}

// Reach returns the program and all functions that it calls or takes the address
// of, directly or not, each once, the program first. The error is a
// [*FormatError] for the first reference that leads nowhere; what was reached is returned.
func (o *Object) Reach(p Program) ([]Program, error) {
	fn, err := o.functionOf(p)
	if err != nil {
		return nil, o.fault(err)
	}
	var failed error
	reached := []Program{p}
	seen := map[*function]bool{fn: true}
	for todo := []*function{fn}; len(todo) > 0; todo = todo[1:] {
		refs, err := o.references(todo[0])
		if failed == nil {
			failed = err
		}
		for _, r := range refs {
			if r.Kind != RefCall && r.Kind != RefFunction {
				continue
			}
			if next := o.functionIn(r.Section, r.Value); next != nil && !seen[next] {
				seen[next] = true
				todo = append(todo, next)
				reached = append(reached, next.program())
			}
		}
	}
	return reached, o.fault(failed)
}

// functionOf finds the function that a Program was made of.
func (o *Object) functionOf(p Program) (*function, error) {
	if fn := o.functionIn(p.Section, p.Offset); fn != nil {
		return fn, nil
	}
	return nil, &FormatError{Section: p.Section, Offset: int64(p.Offset), Msg: fmt.Sprintf("no function %q", naming.Clip(p.Name))}
}

func (o *Object) functionIn(section string, off uint64) *function {
	for i := range o.sections {
		if sec := &o.sections[i]; sec.Name == section && sec.Executable() {
			if fn := o.functionAt(sec, off); fn != nil {
				return fn
			}
		}
	}
	return nil
}

// code returns the instructions of a function, not a copy.
func (o *Object) code(fn *function) ([]byte, error) {
	data, err := sectionData(o.image, fn.section)
	if err != nil {
		return nil, err
	}
	if fn.size%insnSize != 0 || fn.start > uint64(len(data)) || fn.size > uint64(len(data))-fn.start {
		return nil, &FormatError{
			Section: fn.section.Name, Offset: int64(fn.start),
			Msg: fmt.Sprintf("program %q: %d bytes are not instructions of this section", naming.Clip(fn.name), fn.size),
		}
	}
	return data[fn.start:fn.end()], nil
}

func (o *Object) references(fn *function) ([]Reference, error) {
	code, err := o.code(fn)
	if err != nil {
		return nil, err
	}
	relocs, err := o.relocations(fn.section)
	if err != nil {
		return nil, err
	}
	relocs = within(relocs, fn.start, fn.end())
	refs := make([]Reference, 0, 2*len(relocs)) // a map that is loaded is one that a helper is called with
	for at := uint64(0); at < uint64(len(code)); at += insnSize {
		insn := code[at:]
		var rel *reloc
		for len(relocs) > 0 && relocs[0].off < fn.start+at {
			relocs = relocs[1:]
		}
		if len(relocs) > 0 && relocs[0].off == fn.start+at {
			rel = &relocs[0]
		}
		r, ok, err := o.referenceOf(fn, at, insn, rel)
		if err != nil {
			return refs, &FormatError{Section: fn.section.Name, Offset: int64(fn.start + at), Msg: fmt.Sprintf("program %q", naming.Clip(fn.name)), Err: err}
		}
		if ok {
			r.Offset = fn.start + at
			refs = append(refs, r)
		}
		if insn[0] == opLoadImm64 {
			at += insnSize
		}
	}
	return refs, nil
}

// Instructions, include/uapi/linux/bpf.h.
const (
	opLoadImm64   = 0x18 // BPF_LD | BPF_IMM | BPF_DW, takes two slots
	opCall        = 0x85 // BPF_JMP | BPF_CALL
	srcPseudoCall = 1    // BPF_PSEUDO_CALL: imm is relative to the next instruction
)

// Sources of a call, include/uapi/linux/bpf.h.
const (
	srcHelper    = 0
	srcPseudoKfn = 2 // BPF_PSEUDO_KFUNC_CALL: imm is a BTF type of the kernel
)

// referenceOf reports what an instruction refers to, if it does.
func (o *Object) referenceOf(fn *function, at uint64, insn []byte, rel *reloc) (Reference, bool, error) {
	imm := int32(o.order.Uint32(insn[4:]))
	switch {
	case rel != nil && insn[0] == opCall:
		t, err := o.callee(rel.sym, int64(imm))
		return t.reference(true), true, err
	case rel != nil && insn[0] == opLoadImm64:
		t, err := o.resolve(rel.sym, uint64(int64(imm)))
		return t.reference(false), true, err
	case insn[0] != opCall:
		return Reference{}, false, nil
	}
	switch source(insn, o) {
	case srcHelper:
		return Reference{Kind: RefHelper, Number: imm}, true, nil
	case srcPseudoKfn:
		return Reference{Kind: RefKernel, Number: imm}, true, nil
	case srcPseudoCall:
		callee, err := o.localCallee(fn, at, int64(imm))
		if err != nil {
			return Reference{}, false, err
		}
		return target{fn: callee}.reference(true), true, nil
	}
	return Reference{}, false, nil
}

// callee finds what a call with a relocation enters: imm counts instructions from the symbol, less one.
func (o *Object) callee(sym *symbol, imm int64) (target, error) {
	t, err := o.resolve(sym, uint64(insnSize*(imm+1)))
	if err == nil && t.fn == nil && t.extern == nil {
		err = fmt.Errorf("a call of %q, which is not a function", naming.Clip(sym.name))
	}
	return t, err
}

// localCallee finds the function that a call without a relocation enters: imm counts
// instructions from the call, less one.
func (o *Object) localCallee(fn *function, at uint64, imm int64) (*function, error) {
	off := int64(fn.start+at) + insnSize*(imm+1)
	callee := o.functionAt(fn.section, uint64(off))
	if off < 0 || callee == nil {
		return nil, fmt.Errorf("a call to byte %#x of the section, where no function starts", off)
	}
	return callee, nil
}

// source returns the source register of an instruction; the compiler's bit
// fields follow the byte order.
func source(insn []byte, o *Object) byte {
	if littleEndian(o.order) {
		return insn[1] >> 4
	}
	return insn[1] & 15
}

// reference writes a target for the users of this package.
func (t target) reference(call bool) Reference {
	switch {
	case t.fn != nil && call:
		return Reference{Kind: RefCall, Name: t.fn.name, Section: t.fn.section.Name, Value: t.fn.start}
	case t.fn != nil:
		return Reference{Kind: RefFunction, Name: t.fn.name, Section: t.fn.section.Name, Value: t.fn.start}
	case t.m != nil:
		return Reference{Kind: RefMap, Name: t.m.name}
	case t.data != nil:
		return Reference{Kind: RefVariable, Name: t.data.Name, Section: t.data.Name, Value: t.offset}
	case t.common != nil:
		return Reference{Kind: RefVariable, Name: ".bss", Section: ".bss", Value: t.offset}
	case t.extern != nil && call:
		return Reference{Kind: RefKernel, Name: t.extern.name}
	case t.extern != nil:
		return Reference{Kind: RefKernelVar, Name: t.extern.name}
	}
	return Reference{}
}

// Symbol is one entry of the symbol table (Elf64_Sym of the ELF specification).
type Symbol struct {
	Name    string
	Section int    // index; 0 when undefined, from SHN_LORESERVE on a special one such as SHN_COMMON
	Value   uint64 // bytes from the start of the section
	Size    uint64 // bytes
	Type    elf.SymType
	Binding elf.SymBind
	Hidden  bool
}

// Symbols returns the symbol table in file order; the first entry is empty. The caller may keep the slice.
func (o *Object) Symbols() []Symbol {
	out := make([]Symbol, len(o.symbols))
	for i, s := range o.symbols {
		out[i] = Symbol{s.name, int(s.section), s.value, s.size, s.typ, s.bind, s.hidden}
	}
	return out
}

// Relocation says that an instruction or a value depends on a symbol (Elf64_Rel
// of the ELF specification).
type Relocation struct {
	Offset uint64 // bytes from the start of the section
	Type   uint32 // R_BPF_64_64 and so on, LLVM's ELFRelocs/BPF.def
	Symbol int    // index in Symbols
}

// Relocations returns the relocations of a section of this object by offset. The error is a [*FormatError].
func (o *Object) Relocations(s Section) ([]Relocation, error) {
	if s.Index < 0 || s.Index >= len(o.sections) {
		return nil, &FormatError{Object: o.path, Msg: fmt.Sprintf("no section %d", s.Index)}
	}
	relocs, err := o.relocations(&o.sections[s.Index])
	if err != nil {
		return nil, o.fault(err)
	}
	out := make([]Relocation, len(relocs))
	for i, r := range relocs {
		out[i] = Relocation{r.off, r.typ, r.index}
	}
	return out, nil
}

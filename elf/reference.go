package elf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/elf/insn"
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
	return nameOf(int(k), "helper", "call", "function address", "map", "variable", "kernel function", "kernel variable")
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

// functionOf finds the function that a Program was made of.
func (o *Object) functionOf(p Program) (*part, error) {
	if fn := o.functionIn(p.Section, p.Offset); fn != nil {
		return fn, nil
	}
	return nil, faultIn(p.Section, p.Offset, "no function %q", p.Name)
}

func (o *Object) functionIn(section string, off uint64) *part {
	for _, sec := range o.codeSections()[section] {
		if fn := o.functionAt(sec, off); fn != nil {
			return fn
		}
	}
	return nil
}

// findCodeSections indexes the sections of instructions by name.
func (o *Object) findCodeSections() map[string][]*Section {
	index := make(map[string][]*Section)
	for i := range o.sections {
		if sec := &o.sections[i]; sec.Executable() {
			index[sec.Name] = append(index[sec.Name], sec)
		}
	}
	return index
}

// code returns the instructions of a function, not a copy.
func (o *Object) code(fn *part) ([]byte, error) {
	data, err := sectionData(o.image, fn.section)
	if err != nil {
		return nil, err
	}
	if fn.size%insn.Size != 0 || fn.start > uint64(len(data)) || fn.size > uint64(len(data))-fn.start {
		return nil, fn.fault(0, fmt.Errorf("%d bytes are not instructions of this section", fn.size))
	}
	if fn.excess {
		return nil, fn.fault(0, fmt.Errorf("it and the functions before it overlap: they have more than %d times as many bytes as the file", maxShared))
	}
	return data[fn.start:fn.end()], nil
}

// fault says what is wrong with a function at a byte of it. What is an error about a section stays so.
func (f *part) fault(at uint64, err error) error {
	if _, ok := errors.AsType[*FormatError](err); ok {
		return err
	}
	return faultIn(f.section.Name, f.start+at, "program %q", f.name).because(err)
}

func (o *Object) references(fn *part) (refs []Reference, err error) {
	code, err := o.code(fn)
	if err != nil {
		return nil, err
	}
	err = o.walk(fn, code, func(at uint64, i insn.Instruction, t target) error {
		r := t.reference(i.Op == insn.Call)
		switch {
		case t != (target{}):
		case i.Op == insn.Call && i.Src == insn.CallHelper:
			r = Reference{Kind: RefHelper, Number: i.Imm}
		case i.Op == insn.Call && i.Src == insn.CallKernel:
			r = Reference{Kind: RefKernel, Number: i.Imm}
		default:
			return nil
		}
		r.Offset = fn.start + at
		refs = append(refs, r)
		return nil
	})
	return refs, err
}

// walk calls visit for each instruction of a function, with what it refers to: code is
// the function's, as the compiler made it. The error is a [*FormatError].
func (o *Object) walk(fn *part, code []byte, visit func(at uint64, i insn.Instruction, t target) error) error {
	relocs, err := o.relocations(fn.section)
	if err != nil {
		return err
	}
	relocs = within(relocs, fn.start, fn.end())
	for at, i := range insn.All(code, o.order) {
		symbol := 0
		if len(relocs) > 0 && relocs[0].Offset <= fn.start+at {
			if relocs[0].Offset < fn.start+at {
				return faultIn(fn.section.Name, relocs[0].Offset, "a relocation inside of an instruction")
			}
			symbol = relocs[0].Symbol
			relocs = relocs[1:]
		}
		t, err := o.targetOf(fn, at, i, symbol)
		if err == nil {
			err = visit(at, i, t)
		}
		if err != nil {
			return fn.fault(at, err)
		}
	}
	return nil
}

// targetOf finds what an instruction refers to by the symbol of its relocation, or, with
// symbol 0, by itself: LLVM up to 9 left calls within a section so.
func (o *Object) targetOf(fn *part, at uint64, i insn.Instruction, symbol int) (t target, err error) {
	switch {
	case symbol == 0 && i.Op == insn.Call && i.Src == insn.CallLocal:
		slots, _ := i.Target()
		off := int64(fn.start+at) + insn.Size*int64(slots)
		if t.fn = o.functionAt(fn.section, uint64(off)); off < 0 || t.fn == nil {
			err = fmt.Errorf("a call to byte %#x of the section, where no function starts", off)
		}
	case symbol == 0:
	case i.Op == insn.Call:
		// imm counts instructions from the symbol, less one.
		t, err = o.resolve(symbol, uint64(insn.Size*(int64(i.Imm)+1)))
		if err == nil && t.fn == nil && t.extern == nil {
			err = naming.Errorf("a call of %q, which is not a function", o.symbols[symbol].Name)
		}
	case i.Wide:
		t, err = o.resolve(symbol, uint64(int64(i.Imm))) // imm counts bytes from the symbol
	default:
		err = errors.New("a relocation of an instruction that is neither a call nor a 64-bit load")
	}
	return t, err
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
		return Reference{Kind: RefKernel, Name: t.extern.Name}
	case t.extern != nil:
		return Reference{Kind: RefKernelVar, Name: t.extern.Name}
	}
	return Reference{}
}

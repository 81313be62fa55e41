package elf

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// readCode copies a function's instructions and follows what they refer to.
func (l *link) readCode(f *linkedFunc) error {
	sec := f.fn.section
	fail := func(at uint64, err error) error {
		if _, ok := errors.AsType[*FormatError](err); ok {
			return err
		}
		return &FormatError{Section: sec.Name, Offset: int64(at), Msg: fmt.Sprintf("program %q", naming.Clip(f.fn.name)), Err: err}
	}
	data, err := sectionData(l.o.image, sec)
	if err != nil {
		return err
	}
	if f.fn.size%insnSize != 0 || f.fn.size > uint64(len(data))-f.fn.start {
		return fail(f.fn.start, fmt.Errorf("%d bytes are not instructions of this section", f.fn.size))
	}
	if err := l.spend(f.fn.size); err != nil {
		return fail(f.fn.start, err)
	}
	relocs, err := l.o.relocations(sec)
	if err != nil {
		return err
	}
	f.code = slices.Clone(data[f.fn.start:f.fn.end()])
	return f.walk(l.o, within(relocs, f.fn.start, f.fn.end()), func(at uint64, r *reloc) error {
		ref, err := l.reference(f, at, r)
		if err != nil {
			return fail(f.fn.start+at, err)
		}
		ref.at = at
		f.refs = append(f.refs, ref)
		return nil
	})
}

// walk calls visit for each instruction that has a relocation, and for each call of
// a function without one (r is nil then), as LLVM up to 9 left them within a section.
func (f *linkedFunc) walk(o *Object, relocs []reloc, visit func(at uint64, r *reloc) error) error {
	for at := uint64(0); at < uint64(len(f.code)); at += insnSize {
		insn := f.code[at:]
		var err error
		switch {
		case len(relocs) > 0 && relocs[0].off < f.fn.start+at:
			return &FormatError{Section: f.fn.section.Name, Offset: int64(relocs[0].off), Msg: "a relocation inside of an instruction"}
		case len(relocs) > 0 && relocs[0].off == f.fn.start+at:
			err = visit(at, &relocs[0])
			relocs = relocs[1:]
		case insn[0] == opCall && source(insn, o) == srcPseudoCall:
			err = visit(at, nil)
		}
		if err != nil {
			return err
		}
		if insn[0] == opLoadImm64 {
			at += insnSize
		}
	}
	return nil
}

// reference finds what an instruction refers to, and takes the addend out of it.
func (l *link) reference(f *linkedFunc, at uint64, r *reloc) (codeRef, error) {
	insn := f.code[at:]
	imm := int64(int32(l.o.order.Uint32(insn[4:])))
	switch {
	case r == nil:
		return l.localCall(f, at, imm)
	case insn[0] == opCall:
		return l.call(r.sym, imm, insn)
	case insn[0] == opLoadImm64 && len(insn) >= 2*insnSize:
		return l.address(r.sym, imm, insn)
	}
	return codeRef{}, errors.New("a relocation of an instruction that is neither a call nor a 64-bit load")
}

func (l *link) localCall(f *linkedFunc, at uint64, imm int64) (codeRef, error) {
	fn, err := l.o.localCallee(f.fn, at, imm)
	if err != nil {
		return codeRef{}, err
	}
	l.setImm(f.code[at:], math.MaxUint32)
	return codeRef{fn: l.function(fn), call: true}, nil
}

// call follows a call of a function.
func (l *link) call(sym *symbol, imm int64, insn []byte) (codeRef, error) {
	t, err := l.o.callee(sym, imm)
	if err != nil {
		return codeRef{}, err
	}
	if t.extern != nil {
		return l.external(sym)
	}
	l.setImm(insn, math.MaxUint32)
	return codeRef{fn: l.function(t.fn), call: true}, nil
}

// address follows a 64-bit load of an address: imm counts bytes from the symbol.
func (l *link) address(sym *symbol, imm int64, insn []byte) (codeRef, error) {
	t, err := l.o.resolve(sym, uint64(imm))
	if err != nil {
		return codeRef{}, err
	}
	switch {
	case t.extern != nil:
		return l.external(sym)
	case t.fn != nil:
		return codeRef{fn: l.function(t.fn)}, nil
	case t.m != nil:
		l.setImm(insn, 0)
		return codeRef{m: l.mapAt(t.m)}, nil
	}
	var d *linkedData
	off := t.offset
	if t.common != nil {
		var start uint64
		d, start, err = l.common(t.common)
		off += start
	} else {
		d, err = l.dataAt(t.data.Name, t.data)
	}
	if err == nil && off > math.MaxUint32 {
		err = fmt.Errorf("byte %#x of section %q", off, naming.Clip(d.name))
	}
	l.setImm(insn, uint32(off))
	return codeRef{data: d}, err
}

func (l *link) external(sym *symbol) (codeRef, error) {
	if sym.name == "" {
		return codeRef{}, errors.New("an undefined symbol without a name")
	}
	if !slices.Contains(l.ext, sym) {
		l.ext = append(l.ext, sym)
	}
	return codeRef{extern: sym}, nil
}

func (l *link) setImm(insn []byte, imm uint32) {
	l.o.order.PutUint32(insn[4:], imm)
}

// declared checks that each undefined symbol is a kernel function, kernel
// variable or kernel setting that BTF declares.
func (l *link) declared() error {
	if len(l.ext) == 0 {
		return nil
	}
	known, err := l.o.Externs()
	if err != nil {
		return err
	}
	for _, s := range l.ext {
		if !known[s.name] {
			return &FormatError{Msg: fmt.Sprintf("undefined symbol %q: the object neither defines it nor declares it __ksym or __kconfig", naming.Clip(s.name))}
		}
	}
	return nil
}

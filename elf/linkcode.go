package elf

import (
	"errors"
	"math"
	"slices"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// readCode copies a function's instructions and follows what they refer to.
func (l *link) readCode(f *linkedFunc) error {
	code, err := l.o.code(f.fn)
	if err != nil {
		return err
	}
	if err := l.spend(f.fn.size); err != nil {
		return f.fn.fault(0, err)
	}
	f.code = slices.Clone(code)
	return l.o.walk(f.fn, code, func(at uint64, i insn.Instruction, t target) error {
		if t == (target{}) {
			return nil
		}
		ref, err := l.reference(t, i.Op == insn.Call, f.code[at:])
		ref.at = at
		f.refs = append(f.refs, ref)
		return err
	})
}

// reference follows what an instruction refers to, and takes the addend out of it.
func (l *link) reference(t target, call bool, code []byte) (codeRef, error) {
	switch {
	case t.extern != nil:
		return l.external(t.extern, call, code)
	case t.fn != nil:
		if call {
			l.setImm(code, math.MaxUint32)
		}
		return codeRef{fn: l.function(t.fn), call: call}, nil
	case t.m != nil:
		l.setImm(code, 0)
		return codeRef{m: l.mapAt(t.m)}, nil
	}
	var d *linkedData
	var err error
	off := t.offset
	if t.common != nil {
		var start uint64
		d, start, err = l.common(t.common)
		off += start
	} else {
		d, err = l.dataAt(t.data.Name, t.data)
	}
	if err == nil && off > math.MaxUint32 {
		err = naming.Errorf("byte %#x of section %q", off, d.name)
	}
	l.setImm(code, uint32(off))
	return codeRef{data: d}, err
}

// external refers to a function or variable of the kernel, or to a place among its settings.
func (l *link) external(sym *Symbol, call bool, code []byte) (codeRef, error) {
	if sym.Name == "" {
		return codeRef{}, errors.New("an undefined symbol without a name")
	}
	x, err := l.extern(sym.Name)
	switch {
	case err != nil:
		return codeRef{}, err
	case call && x.Kind != ExternFunction:
		return codeRef{}, naming.Errorf("a call of %q, which is not a function", sym.Name)
	case x.Kind == ExternSetting:
		d, off, err := l.setting(sym.Name)
		l.setImm(code, off)
		return codeRef{data: d}, err
	case !l.undefined[sym]:
		l.undefined[sym] = true
		l.ext = append(l.ext, sym)
	}
	return codeRef{extern: sym}, nil
}

// extern finds out what BTF declares a name of the kernel to be.
func (l *link) extern(name string) (x Extern, err error) {
	if l.declared == nil {
		if l.declared, err = l.o.Externs(); err != nil {
			return x, err
		}
	}
	x, ok := l.declared[name]
	switch {
	case ok:
		l.externs[name] = x
		return x, nil
	case !l.o.HasBTF():
		return x, faultIn("", 0, "undefined symbol %q: if the kernel has it, the object has no BTF to say so: compile with clang -g", name)
	}
	return x, faultIn("", 0, "undefined symbol %q: the object neither defines it nor declares it __ksym or __kconfig", name)
}

func (l *link) setImm(code []byte, imm uint32) {
	l.o.order.PutUint32(code[4:], imm)
}

package elf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// declared checks that each undefined symbol is a kernel function, kernel
// variable or kernel setting that BTF declares.
func (l *link) declared() error {
	if len(l.ext) == 0 {
		return nil
	}
	known := make(map[string]bool)
	if l.o.HasBTF() {
		types, err := l.o.types()
		if err != nil {
			return err
		}
		if err := catch(func() error { return types.externs(known) }); err != nil {
			return &FormatError{Section: btfSection, Msg: "declarations of undefined symbols", Err: err}
		}
	}
	for _, s := range l.ext {
		if !known[s.name] {
			return &FormatError{Msg: fmt.Sprintf("undefined symbol %q: the object neither defines it nor declares it __ksym or __kconfig", clip(s.name))}
		}
	}
	return nil
}

// externs adds the names that the object declares as the kernel's.
func (t typeInfo) externs(known map[string]bool) error {
	for _, section := range []string{".ksyms", ".kconfig"} {
		var ds *btf.Datasec
		err := t.spec.TypeByName(section, &ds)
		if errors.Is(err, btf.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, v := range ds.Vars {
			known[v.Type.TypeName()] = true
		}
	}
	return nil
}

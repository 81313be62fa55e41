package elf

import (
	"errors"

	"github.com/cilium/ebpf/btf"
)

// Externs returns the functions, variables and settings of the kernel that BTF declares
// by name (__ksym and __kconfig), none without BTF. The error is a [*FormatError].
func (o *Object) Externs() (map[string]bool, error) {
	known := make(map[string]bool)
	if !o.HasBTF() {
		return known, nil
	}
	types, err := o.types()
	if err != nil {
		return nil, err
	}
	if err := catch(func() error { return types.externs(known) }); err != nil {
		return nil, o.fault(faultIn(btfSection, 0, "declarations of undefined symbols").because(err))
	}
	return known, nil
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

package elf

import (
	"debug/elf"
	"errors"

	"github.com/cilium/ebpf/btf"
)

// Extern is a name that an object leaves to the kernel (__ksym and __kconfig).
type Extern struct {
	Kind ExternKind
	Weak bool     // the kernel need not have it
	Type btf.Type // of a variable or setting; shared, must not be changed
}

// ExternKind is what a name of the kernel stands for.
type ExternKind int

// The kinds of names.
const (
	ExternFunction ExternKind = iota // a function of the kernel, which programs call (kfunc)
	ExternVariable                   // a symbol of the kernel, of which programs take the address
	ExternSetting                    // a value of the kernel's configuration, or its version
)

// Typed reports whether programs may read what is at the address of a variable,
// instead of taking the address only: it is declared with another type than void.
func (e Extern) Typed() bool {
	if e.Type == nil {
		return false
	}
	_, void := btf.UnderlyingType(e.Type).(*btf.Void)
	return !void
}

// The sections of BTF that declare names of the kernel. No section of the file holds them.
const (
	ksymsSection   = ".ksyms"
	kconfigSection = ".kconfig"
)

// Externs returns what BTF declares of the kernel by name, none without BTF. The error
// is a [*FormatError].
func (o *Object) Externs() (map[string]Extern, error) {
	known := make(map[string]Extern)
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
	for i := range o.symbols {
		s := &o.symbols[i]
		if x, ok := known[s.Name]; ok && s.Section == int(elf.SHN_UNDEF) && s.Binding == elf.STB_WEAK {
			x.Weak = true
			known[s.Name] = x
		}
	}
	return known, nil
}

// externs adds the names that the object declares as the kernel's.
func (t typeInfo) externs(known map[string]Extern) error {
	for _, section := range []string{ksymsSection, kconfigSection} {
		ds, err := t.section(section)
		if err != nil {
			return err
		}
		if ds == nil {
			continue
		}
		for _, info := range ds.Vars {
			x := Extern{Kind: ExternFunction}
			if v, ok := info.Type.(*btf.Var); ok {
				x.Kind, x.Type = ExternVariable, v.Type
				if section == kconfigSection {
					x.Kind = ExternSetting
				}
			}
			known[info.Type.TypeName()] = x
		}
	}
	return nil
}

// section returns what BTF says of a section, nil for nothing.
func (t typeInfo) section(name string) (*btf.Datasec, error) {
	var ds *btf.Datasec
	err := t.spec.TypeByName(name, &ds)
	if errors.Is(err, btf.ErrNotFound) {
		return nil, nil //nolint:nilnil // most objects have none
	}
	return ds, err
}

package elf

import (
	"cmp"
	"debug/elf"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Variable is a global variable or constant of an object, or a static one that the
// compiler kept.
type Variable struct {
	Name     string   // of a static variable of a function: "function.variable"
	Section  string   // .data, .rodata, .bss or one that starts like them
	Offset   uint64   // bytes from the start of the section
	Size     uint64   // bytes
	Type     btf.Type // nil without BTF; shared, must not be changed
	Value    []byte   // initial value in the object's byte order, nil when all is zero; shared, must not be changed
	Static   bool     // the symbol has local binding
	ReadOnly bool     // programs cannot write to it
}

// Variables returns the variables of the object by section in file order and
// by offset. The error is a [*FormatError].
func (o *Object) Variables() ([]Variable, error) {
	vars := make([]Variable, 0, 16)
	for i := range o.symbols {
		if v, ok := o.variable(&o.symbols[i]); ok {
			vars = append(vars, v)
		}
	}
	index := make(map[string]int)
	for i := range o.sections {
		index[o.sections[i].Name] = i
	}
	slices.SortStableFunc(vars, func(a, b Variable) int {
		return cmp.Or(cmp.Compare(index[a.Section], index[b.Section]), cmp.Compare(a.Offset, b.Offset))
	})
	if !o.HasBTF() {
		return vars, nil
	}
	types, err := o.types()
	if err != nil {
		return vars, err
	}
	err = catch(func() error { return types.typeVariables(vars) })
	if err != nil {
		err = o.fault(faultIn(btfSection, 0, "types of variables").because(err))
	}
	return vars, err
}

// variable reads a symbol of a section of variables.
func (o *Object) variable(s *Symbol) (Variable, bool) {
	if s.Type != elf.STT_OBJECT || s.Name == "" || strings.HasPrefix(s.Name, ".L") || s.Section >= len(o.sections) {
		return Variable{}, false
	}
	sec := &o.sections[s.Section]
	if !sec.data() || s.Value > sec.Size || s.Size > sec.Size-s.Value {
		return Variable{}, false
	}
	v := Variable{
		Name: s.Name, Section: sec.Name, Offset: s.Value, Size: s.Size,
		Static: s.Binding == elf.STB_LOCAL, ReadOnly: strings.HasPrefix(sec.Name, ".rodata"),
	}
	if data, err := sectionData(o.image, sec); err == nil {
		v.Value = data[s.Value:][:s.Size:s.Size]
	}
	return v, true
}

// typeVariables finds the type of each variable: by its name in the BTF of its
// section, where a static variable of a function has its last name only. One that could be two has none.
func (t typeInfo) typeVariables(vars []Variable) error {
	sections := make(map[string]map[string][]btf.Type)
	for i := range vars {
		v := &vars[i]
		known, ok := sections[v.Section]
		if !ok {
			var err error
			if known, err = t.sectionTypes(v.Section); err != nil {
				return err
			}
			sections[v.Section] = known
		}
		types := known[v.Name]
		if dot := strings.LastIndexByte(v.Name, '.'); len(types) == 0 && dot >= 0 {
			types = known[v.Name[dot+1:]]
		}
		if len(types) == 1 && uint64(sizeOf(types[0])) == v.Size {
			v.Type = types[0]
		}
	}
	return nil
}

// sectionTypes returns the types of a section's variables by name.
func (t typeInfo) sectionTypes(section string) (map[string][]btf.Type, error) {
	known := make(map[string][]btf.Type)
	all, err := t.spec.AnyTypesByName(section)
	if err != nil {
		return known, nil //nolint:nilerr // a section without named variables has no BTF
	}
	for _, typ := range all {
		ds, ok := typ.(*btf.Datasec)
		if !ok {
			continue
		}
		for _, info := range ds.Vars {
			v, ok := info.Type.(*btf.Var)
			if !ok {
				return nil, naming.Errorf("%s in section %q is not a variable", TypeName(info.Type), section)
			}
			known[v.Name] = append(known[v.Name], v.Type)
		}
	}
	return known, nil
}

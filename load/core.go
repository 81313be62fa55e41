package load

import (
	"errors"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kerneltypes"
)

// errAllTypes says that a relocation wants more of the kernel's types than
// those of its own type's name.
var errAllTypes = errors.New("a relocation that takes all types of the kernel")

// relocator applies CO-RE relocations with the few types of the kernel that
// they name. What it cannot do, cilium/ebpf does with all of them, which takes
// twenty times longer.
type relocator struct {
	kernel *btf.Spec // nil until it is read
	types  *btf.Builder
}

// newRelocator reads what all programs of a spec want of the kernel, if any does.
func newRelocator(spec *ebpf.CollectionSpec, core elf.Relocations, types *btf.Builder) (*relocator, error) {
	r := &relocator{types: types}
	var names []string
	for _, p := range spec.Programs {
		for i := range p.Instructions {
			relo := btf.CORERelocationMetadata(&p.Instructions[i])
			if relo == nil {
				continue
			}
			name, err := sought(core[relo])
			if err != nil {
				return nil, err
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return r, nil
	}
	var err error
	r.kernel, err = kerneltypes.Named(names)
	return r, err
}

// sought is the name that a relocation looks up, without its flavour.
func sought(c elf.CORE) (string, error) {
	switch {
	case c.Type == nil, c.Kind == elf.CORETypeIDTarget, c.Kind >= elf.CORETypeMatches:
		return "", errAllTypes
	}
	name := c.Type.TypeName()
	if i := strings.LastIndex(name, "___"); i > 0 {
		name = name[:i]
	}
	return name, nil
}

// apply relocates instructions.
func (r *relocator) apply(insns asm.Instructions) error {
	var relos []*btf.CORERelocation
	var at []*asm.Instruction
	for i := range insns {
		if relo := btf.CORERelocationMetadata(&insns[i]); relo != nil {
			relos, at = append(relos, relo), append(at, &insns[i])
		}
	}
	if len(relos) == 0 {
		return nil
	}
	fixups, err := btf.CORERelocate(relos, []*btf.Spec{r.kernel}, nativeOrder(), r.types.Add)
	if err != nil {
		return err
	}
	for i, fixup := range fixups {
		if err := fixup.Apply(at[i]); err != nil {
			return err
		}
	}
	return nil
}

// relocated reports whether a program has CO-RE relocations.
func relocated(spec *ebpf.ProgramSpec) bool {
	return slices.ContainsFunc(spec.Instructions, func(ins asm.Instruction) bool {
		return btf.CORERelocationMetadata(&ins) != nil
	})
}

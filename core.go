package xdpload

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/internal/kerneltypes"
)

// errAllTypes says that a relocation wants more of the kernel's types than
// those of its own type's name.
var errAllTypes = errors.New("a relocation that takes all types of the kernel")

// relocator applies CO-RE relocations with the few types of the kernel that
// they name. What it cannot do, cilium/ebpf does with all of them, which takes
// twenty times longer.
type relocator struct {
	local  *btf.Spec // the object's types
	kernel *btf.Spec // nil until it is read
	types  *btf.Builder
}

// newRelocator reads what all programs of a spec want of the kernel, if any does.
func newRelocator(spec *ebpf.CollectionSpec, types *btf.Builder) (*relocator, error) {
	r := &relocator{local: spec.Types, types: types}
	var names []string
	for _, p := range spec.Programs {
		for i := range p.Instructions {
			relo := btf.CORERelocationMetadata(&p.Instructions[i])
			if relo == nil {
				continue
			}
			name, err := r.name(relo)
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

// relocations of these kinds look at types of one name only.
var byName = []string{
	"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
	"local_type_id", "type_exists", "type_size", "enumval_exists", "enumval_value",
}

// name is the one that a relocation looks up, without its flavour. Only its text
// tells that.
func (r *relocator) name(relo *btf.CORERelocation) (string, error) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(relo.String(), "CORERelocation("), ",")
	if !slices.Contains(byName, kind) {
		return "", errAllTypes
	}
	var id btf.TypeID
	at := strings.LastIndex(rest, "local_id=")
	if at < 0 {
		return "", errAllTypes
	}
	if _, err := fmt.Sscanf(rest[at:], "local_id=%d)", &id); err != nil {
		return "", errAllTypes
	}
	typ, err := r.local.TypeByID(id)
	if err != nil {
		return "", err
	}
	name := typ.TypeName()
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

package mapdata

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/internal/btfjson"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// LoadedType finds a type by name, such as "event" or "struct event", in the BTF of what is
// loaded, by its ids.
func LoadedType(ids []uint32, name string) (*btfjson.Codec, error) {
	for _, id := range ids {
		handle, err := btf.NewHandleFromID(btf.ID(id))
		if err != nil {
			return nil, fmt.Errorf("BTF id %d: %w", id, kernelname.Refusal(err))
		}
		spec, err := handle.Spec(nil)
		handle.Close()
		if err != nil {
			return nil, fmt.Errorf("BTF id %d: %w", id, err)
		}
		if c := typeIn(spec, name); c != nil {
			return c, nil
		}
	}
	return nil, noTypeError(name)
}

// TypeIn finds a type by name in the types of an object.
func TypeIn(spec *btf.Spec, name string) (*btfjson.Codec, error) {
	if c := typeIn(spec, name); c != nil {
		return c, nil
	}
	return nil, noTypeError(name)
}

// noTypeError is the name of a type that is nowhere.
type noTypeError string

func (e noTypeError) Error() string { return fmt.Sprintf("there is no type %s", string(e)) }

// typeIn returns nil where no type with the name has a size.
func typeIn(spec *btf.Spec, name string) *btfjson.Codec {
	for _, word := range []string{"struct ", "union ", "enum "} {
		name = strings.TrimPrefix(name, word)
	}
	all, err := spec.AnyTypesByName(name)
	if err != nil {
		return nil
	}
	for _, t := range all {
		switch t.(type) {
		case *btf.Struct, *btf.Union, *btf.Typedef, *btf.Enum, *btf.Int:
		default:
			continue
		}
		size, err := btf.Sizeof(t)
		if c := btfjson.New(t, size); err == nil && c.Typed() {
			return c
		}
	}
	return nil
}

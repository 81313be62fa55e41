package elf

import (
	"bytes"
	"errors"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// btfError says what is wrong with section .BTF or .BTF.ext.
func btfError(section string, err error) error {
	if e, ok := errors.AsType[*btfwire.Error](err); ok {
		return &FormatError{Section: section, Offset: e.Offset, Msg: e.Msg}
	}
	return err
}

// btfIndex is the types of an object, and how to find those that a link begins with.
type btfIndex struct {
	*btfwire.Types
	named map[string][]uint32 // variables, their sections, and structures that annotate legacy maps
	tags  map[uint32][]uint32 // declaration tags, by what they are about
}

// indexBTF is nil for an object without types.
func (o *Object) indexBTF() (*btfIndex, error) {
	b, err := o.btfData()
	if b == nil || err != nil {
		return nil, err
	}
	types, err := btfwire.Read(o.order, b)
	if err != nil {
		return nil, btfError(btfSection, err)
	}
	x := &btfIndex{types, make(map[string][]uint32), make(map[uint32][]uint32)}
	for i, at := range types.Places {
		id := uint32(i + 1)
		name, kind, _ := types.Head(at)
		switch kind {
		case btfwire.Var, btfwire.Datasec, btfwire.Struct:
			text, ok := types.String(name)
			if ok && (kind != btfwire.Struct || bytes.HasPrefix(text, []byte(annotation))) {
				x.named[string(text)] = append(x.named[string(text)], id)
			}
		case btfwire.DeclTag:
			about := types.Order.Uint32(types.Records[at+8:])
			x.tags[about] = append(x.tags[about], id)
		}
	}
	return x, nil
}

package elf

import (
	"bytes"
	"fmt"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// btfTypes is the types of a .BTF section as they are written.
type btfTypes struct {
	order   byteOrder
	types   []byte
	strings []byte
	places  []int // of the types by number less one, in types
}

// readBTF finds the types of a section. It copies nothing.
func readBTF(b []byte, order byteOrder) (*btfTypes, error) {
	strings, err := btfStringTable(b, order)
	if err != nil {
		return nil, err
	}
	hdr, off, n := uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[12:]))
	if hdr+off+n > uint64(len(b)) {
		return nil, &FormatError{Section: btfSection, Msg: "the types go past the end of the section"}
	}
	t := &btfTypes{order: order, types: b[hdr+off : hdr+off+n], strings: strings}
	for at := 0; at < len(t.types); {
		size, err := t.sizeAt(at)
		if err != nil {
			return nil, &FormatError{Section: btfSection, Offset: int64(hdr+off) + int64(at), Msg: err.Error()}
		}
		t.places = append(t.places, at)
		at += size
	}
	return t, nil
}

// sizeAt returns the bytes of the type at a place.
func (t *btfTypes) sizeAt(at int) (int, error) {
	if len(t.types)-at < btfwire.TypeSize {
		return 0, fmt.Errorf("half a type")
	}
	n := btfwire.TypeSize
	if _, kind, vlen := t.head(at); kind < btfwire.Kinds {
		l := btfwire.Layouts[kind]
		n += int(l.Fixed) + int(l.Each)*vlen
	}
	if n > len(t.types)-at {
		return 0, fmt.Errorf("half a type")
	}
	return n, nil
}

func (t *btfTypes) head(at int) (name uint32, kind, vlen int) {
	return btfwire.Head(t.order, t.types[at:])
}

// record returns the bytes of a type.
func (t *btfTypes) record(id uint32) ([]byte, error) {
	if id == 0 || uint64(id) > uint64(len(t.places)) {
		return nil, fmt.Errorf("no type %d", id)
	}
	end := len(t.types)
	if int(id) < len(t.places) {
		end = t.places[id]
	}
	return t.types[t.places[id-1]:end:end], nil
}

// stringAt returns the string at an offset, without its zero.
func (t *btfTypes) stringAt(off uint32) ([]byte, bool) {
	if uint64(off) >= uint64(len(t.strings)) {
		return nil, false
	}
	end := bytes.IndexByte(t.strings[off:], 0)
	if end < 0 {
		return nil, false
	}
	return t.strings[off:][:end], true
}

// btfIndex is the types of an object, and how to find those that a link begins with.
type btfIndex struct {
	*btfTypes
	named map[string][]uint32 // variables, their sections, and structures that annotate legacy maps
	tags  map[uint32][]uint32 // declaration tags, by what they are about
}

// indexBTF is nil for an object without types.
func (o *Object) indexBTF() (*btfIndex, error) {
	b, err := o.btfData()
	if b == nil || err != nil {
		return nil, err
	}
	types, err := readBTF(b, o.order)
	if err != nil {
		return nil, err
	}
	x := &btfIndex{types, make(map[string][]uint32), make(map[uint32][]uint32)}
	for i, at := range types.places {
		id := uint32(i + 1)
		name, kind, _ := types.head(at)
		switch kind {
		case btfwire.Var, btfwire.Datasec, btfwire.Struct:
			text, ok := types.stringAt(name)
			if ok && (kind != btfwire.Struct || bytes.HasPrefix(text, []byte(annotation))) {
				x.named[string(text)] = append(x.named[string(text)], id)
			}
		case btfwire.DeclTag:
			about := types.order.Uint32(types.types[at+8:])
			x.tags[about] = append(x.tags[about], id)
		}
	}
	return x, nil
}

package kerneltypes

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// reach is how far a type is followed.
type reach uint8

const (
	// members are followed, and those of what is in there by value. A
	// relocation of a field goes no further: it does not cross a pointer.
	members reach = 1 << iota
	// pointers are followed until there is a structure, which is not entered:
	// so far go relocations that compare types.
	pointers
)

// extract writes BTF that holds the types found, in their order, and what
// relocations need of others.
func (x *index) extract() ([]byte, error) {
	e := extractor{index: x, reach: make(map[uint32]reach), records: make(map[uint32]record)}
	for _, id := range x.found {
		e.follow(id, members|pointers)
	}
	if err := e.run(); err != nil {
		return nil, err
	}
	return e.emit()
}

type extractor struct {
	*index
	reach   map[uint32]reach
	records map[uint32]record
	todo    []uint32

	ids   map[uint32]uint32 // new by old
	text  bytes.Buffer
	texts map[uint32]uint32 // new by old
}

// follow has a type extracted; 0 is void, which is always there.
func (e *extractor) follow(id uint32, how reach) {
	if id != 0 && e.reach[id]|how != e.reach[id] {
		e.reach[id] |= how
		e.todo = append(e.todo, id)
	}
}

func (e *extractor) run() (err error) {
	for len(e.todo) > 0 {
		id := e.todo[len(e.todo)-1]
		e.todo = e.todo[:len(e.todo)-1]
		r := e.records[id]
		if r == nil {
			if r, err = e.record(id); err != nil {
				return err
			}
			e.records[id] = r
		}
		e.refer(r, e.reach[id])
	}
	return nil
}

// refer follows what a type refers to.
func (e *extractor) refer(r record, how reach) {
	switch r.kind() {
	case btfwire.Typedef, btfwire.Volatile, btfwire.Const, btfwire.Restrict, btfwire.TypeTag:
		e.follow(r.target(), how)
	case btfwire.Pointer:
		e.follow(r.target(), how&pointers)
	case btfwire.Array:
		e.follow(order.Uint32(r[btfwire.TypeSize:]), how)
		e.follow(order.Uint32(r[btfwire.TypeSize+4:]), how)
	case btfwire.Struct, btfwire.Union:
		if how&members == 0 {
			return
		}
		for i := range r.count() {
			e.follow(order.Uint32(r[btfwire.TypeSize+12*i+4:]), members)
		}
	case btfwire.FuncProto:
		e.follow(r.target(), how&pointers)
		for i := range r.count() {
			e.follow(order.Uint32(r[btfwire.TypeSize+8*i+4:]), how&pointers)
		}
	}
}

func (e *extractor) emit() ([]byte, error) {
	old := slices.Sorted(maps.Keys(e.reach))
	e.ids = make(map[uint32]uint32, len(old))
	for i, id := range old {
		e.ids[id] = uint32(i + 1)
	}
	e.texts = map[uint32]uint32{0: 0}
	e.text.WriteByte(0)
	out := make([]byte, btfwire.HeaderSize, btfwire.HeaderSize+64*len(old))
	for _, id := range old {
		r, err := e.rewrite(bytes.Clone(e.records[id]), e.reach[id])
		if err != nil {
			return nil, err
		}
		out = append(out, r...)
	}
	types := uint32(len(out) - btfwire.HeaderSize)
	order.PutUint16(out, btfwire.Magic)
	out[2] = 1 // version
	order.PutUint32(out[4:], btfwire.HeaderSize)
	order.PutUint32(out[12:], types)
	order.PutUint32(out[16:], types)
	order.PutUint32(out[20:], uint32(e.text.Len()))
	return append(out, e.text.Bytes()...), nil
}

// rewrite gives a copy of a record the numbers of the new blob.
func (e *extractor) rewrite(r record, how reach) (record, error) {
	switch r.kind() {
	case btfwire.Int, btfwire.Float, btfwire.Forward:
	case btfwire.Typedef, btfwire.Volatile, btfwire.Const, btfwire.Restrict, btfwire.TypeTag, btfwire.Pointer:
		e.renumber(r[8:])
	case btfwire.Array:
		e.renumber(r[btfwire.TypeSize:])
		e.renumber(r[btfwire.TypeSize+4:])
	case btfwire.Struct, btfwire.Union:
		if how&members == 0 {
			order.PutUint32(r[4:], order.Uint32(r[4:])&^0xffff)
			r = r[:btfwire.TypeSize]
		}
		e.elements(r, 12, true)
	case btfwire.Enum:
		e.elements(r, 8, false)
	case btfwire.Enum64:
		e.elements(r, 12, false)
	case btfwire.FuncProto:
		e.renumber(r[8:])
		e.elements(r, 8, true)
	default:
		return nil, fmt.Errorf("%w: a reference to kind %d", errMalformed, r.kind())
	}
	e.rename(r)
	return r, nil
}

// elements rewrites members, parameters or enumerators: a name, then perhaps a type.
func (e *extractor) elements(r record, size int, typed bool) {
	for b := r[btfwire.TypeSize:]; len(b) >= size; b = b[size:] {
		if typed {
			e.renumber(b[4:])
		}
		e.rename(b)
	}
}

// renumber writes the new id of a type, void for one that nobody follows.
func (e *extractor) renumber(b []byte) { order.PutUint32(b, e.ids[order.Uint32(b)]) }

// rename moves a name to the new blob.
func (e *extractor) rename(b []byte) {
	old := order.Uint32(b)
	at, ok := e.texts[old]
	if !ok {
		at = uint32(e.text.Len())
		e.texts[old] = at
		name, _, _ := bytes.Cut(e.name(old), []byte{0})
		e.text.Write(name)
		e.text.WriteByte(0)
	}
	order.PutUint32(b, at)
}

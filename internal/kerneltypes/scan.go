package kerneltypes

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// stride is how many types lie between two whose offsets are kept.
const stride = 128

// index finds the types of a blob. It is as small as can be: of every type's
// offset, the pages alone would cost more than to walk a few types.
type index struct {
	blob
	marks []int // offsets of types 1, 1+stride, …
	found []uint32
}

// wanted are names to look for, by their first two bytes.
type wanted struct {
	table [1 << 10]uint64 // a bit for each pair of bytes
	names [][]byte
}

func want(names []string) *wanted {
	w := &wanted{}
	for _, name := range names {
		if name == "" {
			continue
		}
		w.names = append(w.names, []byte(name))
		if len(name) > 1 {
			w.set(name[0], name[1])
			continue
		}
		for second := range 256 {
			w.set(name[0], byte(second))
		}
	}
	return w
}

func (w *wanted) set(first, second byte) {
	pair := uint(first)<<8 | uint(second)
	w.table[pair/64] |= 1 << (pair % 64)
}

// may reports whether a name that starts with b may be one of those.
func (w *wanted) may(b []byte) bool {
	pair := uint(b[0])<<8 | uint(b[1])
	return w.table[pair/64]>>(pair%64)&1 != 0
}

// has reports whether the zero-terminated name is one of those, or a flavour of one:
// "task_struct___old" is another "task_struct".
func (w *wanted) has(name []byte) bool {
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	if i := bytes.LastIndex(name, []byte("___")); i > 0 {
		name = name[:i]
	}
	return slices.ContainsFunc(w.names, func(n []byte) bool { return bytes.Equal(n, name) })
}

// named tells the kinds of which a relocation may want one by its name.
const named = 1<<btfwire.Int | 1<<btfwire.Struct | 1<<btfwire.Union | 1<<btfwire.Enum | 1<<btfwire.Forward | 1<<btfwire.Typedef | 1<<btfwire.Float | 1<<btfwire.Enum64

// scan walks all types once. The names of types are at nameOff of text, minus skip.
func (b blob) scan(w *wanted, name func(off uint32) []byte) (*index, error) {
	x := &index{blob: b, marks: make([]int, 0, len(b.types)/btfwire.TypeSize/stride)}
	types := b.types
	id := uint32(1)
	for off := 0; off < len(types); id++ {
		if (id-1)%stride == 0 {
			x.marks = append(x.marks, off)
		}
		if off+btfwire.TypeSize > len(types) {
			return nil, fmt.Errorf("%w: a type past the end", errMalformed)
		}
		info := order.Uint32(types[off+4:])
		kind := info >> btfwire.KindShift & btfwire.KindMask
		if kind == 0 || kind >= btfwire.Kinds {
			return nil, fmt.Errorf("%w: kind %d", errMalformed, kind)
		}
		if named>>kind&1 != 0 {
			if text := name(order.Uint32(types[off:])); len(text) > 1 && w.may(text) && w.has(text) {
				x.found = append(x.found, id)
			}
		}
		l := btfwire.Layouts[kind]
		off += btfwire.TypeSize + int(l.Fixed) + int(l.Each)*int(info&btfwire.CountMask)
	}
	return x, nil
}

// record returns a type by its id: struct btf_type and what follows it.
func (x *index) record(id uint32) ([]byte, error) {
	mark := int(id-1) / stride
	if id == 0 || mark >= len(x.marks) {
		return nil, fmt.Errorf("%w: no type %d", errMalformed, id)
	}
	off := x.marks[mark]
	for range int(id-1) % stride {
		r, err := x.at(off)
		if err != nil {
			return nil, err
		}
		off += len(r)
	}
	return x.at(off)
}

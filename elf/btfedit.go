package elf

import (
	"bytes"
	"fmt"
	"slices"
)

// Kinds of BTF types, include/uapi/linux/btf.h.
const (
	kindInt       = 1
	kindPointer   = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindEnum64    = 19
)

const btfTypeSize = 12 // struct btf_type: name, info, and a size or a type

// btfEditor adds types to a .BTF section, and changes some that are there.
type btfEditor struct {
	order   byteOrder
	types   []byte
	strings []byte
	places  []int // of the types by number less one, in types
	integer uint32
}

// editBTF takes the types of a section apart; none is an empty one.
func editBTF(b []byte, order byteOrder) (*btfEditor, error) {
	e := &btfEditor{order: order, strings: []byte{0}}
	if b == nil {
		return e, nil
	}
	table, err := btfStringTable(b, order)
	if err != nil {
		return nil, err
	}
	hdr, off, n := uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[12:]))
	if hdr+off+n > uint64(len(b)) {
		return nil, &FormatError{Section: btfSection, Msg: "the types go past the end of the section"}
	}
	e.strings = bytes.Clone(table)
	e.types = bytes.Clone(b[hdr+off : hdr+off+n])
	for at := 0; at < len(e.types); {
		size, err := e.sizeAt(at)
		if err != nil {
			return nil, &FormatError{Section: btfSection, Offset: int64(hdr+off) + int64(at), Msg: err.Error()}
		}
		e.places = append(e.places, at)
		at += size
	}
	return e, nil
}

// sizeAt returns the bytes of the type at a place.
func (e *btfEditor) sizeAt(at int) (int, error) {
	if len(e.types)-at < btfTypeSize {
		return 0, fmt.Errorf("half a type")
	}
	n := btfTypeSize
	_, kind, vlen := e.head(at)
	switch kind {
	case kindInt, kindVar, kindDeclTag:
		n += 4
	case kindArray:
		n += 12
	case kindStruct, kindUnion, kindDatasec, kindEnum64:
		n += 12 * vlen
	case kindEnum, kindFuncProto:
		n += 8 * vlen
	}
	if n > len(e.types)-at {
		return 0, fmt.Errorf("half a type")
	}
	return n, nil
}

func (e *btfEditor) head(at int) (name uint32, kind, vlen int) {
	info := e.order.Uint32(e.types[at+4:])
	return e.order.Uint32(e.types[at:]), int(info >> 24 & 31), int(info & 0xffff)
}

// find returns the number of the first type of a kind with a name, 0 for none.
func (e *btfEditor) find(kind int, name string) uint32 {
	for i, at := range e.places {
		off, k, _ := e.head(at)
		if k != kind {
			continue
		}
		if s, ok := tableString(string(e.strings[min(int(off), len(e.strings)):]), 0); ok && s == name {
			return uint32(i + 1)
		}
	}
	return 0
}

// text adds a string and returns its offset.
func (e *btfEditor) text(s string) uint32 {
	if s == "" {
		return 0
	}
	if i := bytes.Index(e.strings, append(append([]byte{0}, s...), 0)); i >= 0 {
		return uint32(i + 1)
	}
	off := uint32(len(e.strings))
	e.strings = append(append(e.strings, s...), 0)
	return off
}

// add adds a type and returns its number.
func (e *btfEditor) add(name string, kind, vlen int, sizeOrType uint32, extra ...uint32) uint32 {
	e.places = append(e.places, len(e.types))
	for _, v := range append([]uint32{e.text(name), uint32(kind<<24 | vlen), sizeOrType}, extra...) {
		e.types = e.order.AppendUint32(e.types, v)
	}
	return uint32(len(e.places))
}

// int32 returns the number of type int.
func (e *btfEditor) int32() uint32 {
	if e.integer == 0 {
		e.integer = e.find(kindInt, "int")
	}
	if e.integer == 0 {
		const signed = 1
		e.integer = e.add("int", kindInt, 0, 4, signed<<24|32)
	}
	return e.integer
}

func (e *btfEditor) pointer(to uint32) uint32 { return e.add("", kindPointer, 0, to) }

func (e *btfEditor) array(of, n uint32) uint32 {
	return e.add("", kindArray, 0, 0, of, e.int32(), n)
}

// number adds what __uint(name, n) is: a pointer to an array of n integers.
func (e *btfEditor) number(n uint32) uint32 { return e.pointer(e.array(e.int32(), n)) }

// variable gives a global variable a type: the one of that name, or a new one.
func (e *btfEditor) variable(name string, typ uint32) uint32 {
	const global = 1 // BTF_VAR_GLOBAL_ALLOCATED
	id := e.find(kindVar, name)
	if id == 0 {
		return e.add(name, kindVar, 0, typ, global)
	}
	at := e.places[id-1]
	e.order.PutUint32(e.types[at+8:], typ)
	e.order.PutUint32(e.types[at+btfTypeSize:], global)
	return id
}

// share makes a static variable a global one.
func (e *btfEditor) share(name string) {
	if id := e.find(kindVar, name); id != 0 {
		e.order.PutUint32(e.types[e.places[id-1]+btfTypeSize:], 1) // BTF_VAR_GLOBAL_ALLOCATED
	}
}

// retire makes an unused structure of the description of a section that is gone: a
// loader looks for the section otherwise.
func (e *btfEditor) retire(section string) {
	id := e.find(kindDatasec, section)
	if id == 0 {
		return
	}
	at := e.places[id-1]
	_, _, vlen := e.head(at)
	integer := e.int32()
	e.order.PutUint32(e.types[at:], 0)
	e.order.PutUint32(e.types[at+4:], uint32(kindStruct<<24|vlen))
	e.order.PutUint32(e.types[at+8:], uint32(4*vlen))
	for i := range vlen {
		member := e.types[at+btfTypeSize+12*i:]
		e.order.PutUint32(member, 0)
		e.order.PutUint32(member[4:], integer)
		e.order.PutUint32(member[8:], uint32(32*i))
	}
}

// variables returns what a section's description has: type, offset and size of each.
func (e *btfEditor) variables(section string) []uint32 {
	id := e.find(kindDatasec, section)
	if id == 0 {
		return nil
	}
	at := e.places[id-1]
	_, _, vlen := e.head(at)
	var list []uint32
	for i := range 3 * vlen {
		list = append(list, e.order.Uint32(e.types[at+btfTypeSize+4*i:]))
	}
	return list
}

// bytes returns the section.
func (e *btfEditor) bytes() []byte {
	header := make([]byte, btfHeaderSize)
	e.order.PutUint16(header, btfMagic)
	header[2] = 1 // version
	e.order.PutUint32(header[4:], btfHeaderSize)
	e.order.PutUint32(header[12:], uint32(len(e.types)))
	e.order.PutUint32(header[16:], uint32(len(e.types)))
	e.order.PutUint32(header[20:], uint32(len(e.strings)))
	return slices.Concat(header, e.types, e.strings)
}

package rewrite

import (
	"bytes"
	"errors"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// btfEditor adds types to a .BTF section, and changes some that are there.
type btfEditor struct {
	btfwire.Types
	integer uint32
}

// editBTF takes the types of an object apart; none is an empty section.
func editBTF(s *source) (*btfEditor, error) {
	sec := s.section(".BTF")
	if sec == nil {
		return &btfEditor{Types: btfwire.Types{Order: s.order, Strings: []byte{0}}}, nil
	}
	b, err := s.o.Data(*sec)
	if err != nil {
		return nil, err
	}
	t, err := btfwire.Read(s.order, b)
	if err != nil {
		return nil, malformed(".BTF", err)
	}
	return &btfEditor{Types: *t}, nil
}

// malformed says what is wrong with section .BTF or .BTF.ext.
func malformed(section string, err error) error {
	if e, ok := errors.AsType[*btfwire.Error](err); ok {
		return &elf.FormatError{Section: section, Offset: e.Offset, Msg: e.Msg}
	}
	return err
}

// find returns the number of the first type of a kind with a name, 0 for none.
func (e *btfEditor) find(kind int, name string) uint32 {
	for i, at := range e.Places {
		off, k, _ := e.Head(at)
		if k != kind {
			continue
		}
		if s, ok := e.String(off); ok && string(s) == name {
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
	if i := bytes.Index(e.Strings, append(append([]byte{0}, s...), 0)); i >= 0 {
		return uint32(i + 1)
	}
	off := uint32(len(e.Strings))
	e.Strings = append(append(e.Strings, s...), 0)
	return off
}

// add adds a type and returns its number.
func (e *btfEditor) add(name string, kind, vlen int, sizeOrType uint32, extra ...uint32) uint32 {
	e.Places = append(e.Places, len(e.Records))
	for _, v := range append([]uint32{e.text(name), uint32(kind<<24 | vlen), sizeOrType}, extra...) {
		e.Records = e.Order.AppendUint32(e.Records, v)
	}
	return uint32(len(e.Places))
}

// int32 returns the number of type int.
func (e *btfEditor) int32() uint32 {
	if e.integer == 0 {
		e.integer = e.find(btfwire.Int, "int")
	}
	if e.integer == 0 {
		const signed = 1
		e.integer = e.add("int", btfwire.Int, 0, 4, signed<<24|32)
	}
	return e.integer
}

func (e *btfEditor) pointer(to uint32) uint32 { return e.add("", btfwire.Pointer, 0, to) }

func (e *btfEditor) array(of, n uint32) uint32 {
	return e.add("", btfwire.Array, 0, 0, of, e.int32(), n)
}

// number adds what __uint(name, n) is: a pointer to an array of n integers.
func (e *btfEditor) number(n uint32) uint32 { return e.pointer(e.array(e.int32(), n)) }

// variable gives a global variable a type: the one of that name, or a new one.
func (e *btfEditor) variable(name string, typ uint32) uint32 {
	const global = 1 // BTF_VAR_GLOBAL_ALLOCATED
	id := e.find(btfwire.Var, name)
	if id == 0 {
		return e.add(name, btfwire.Var, 0, typ, global)
	}
	at := e.Places[id-1]
	e.Order.PutUint32(e.Records[at+8:], typ)
	e.Order.PutUint32(e.Records[at+btfwire.TypeSize:], global)
	return id
}

// share makes a static variable a global one.
func (e *btfEditor) share(name string) {
	if id := e.find(btfwire.Var, name); id != 0 {
		e.Order.PutUint32(e.Records[e.Places[id-1]+btfwire.TypeSize:], 1) // BTF_VAR_GLOBAL_ALLOCATED
	}
}

// retire makes an unused structure of the description of a section that is gone: a
// loader looks for the section otherwise.
func (e *btfEditor) retire(section string) {
	id := e.find(btfwire.Datasec, section)
	if id == 0 {
		return
	}
	at := e.Places[id-1]
	_, _, vlen := e.Head(at)
	integer := e.int32()
	e.Order.PutUint32(e.Records[at:], 0)
	e.Order.PutUint32(e.Records[at+4:], uint32(btfwire.Struct<<24|vlen))
	e.Order.PutUint32(e.Records[at+8:], uint32(4*vlen))
	for i := range vlen {
		member := e.Records[at+btfwire.TypeSize+12*i:]
		e.Order.PutUint32(member, 0)
		e.Order.PutUint32(member[4:], integer)
		e.Order.PutUint32(member[8:], uint32(32*i))
	}
}

// variables returns what a section's description has: type, offset and size of each.
func (e *btfEditor) variables(section string) []uint32 {
	id := e.find(btfwire.Datasec, section)
	if id == 0 {
		return nil
	}
	at := e.Places[id-1]
	_, _, vlen := e.Head(at)
	var list []uint32
	for i := range 3 * vlen {
		list = append(list, e.Order.Uint32(e.Records[at+btfwire.TypeSize+4*i:]))
	}
	return list
}

// bytes returns the section.
func (e *btfEditor) bytes() []byte { return btfwire.Encode(e.Order, e.Records, e.Strings) }

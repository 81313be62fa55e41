package btfwire

import (
	"encoding/binary"
	"fmt"
)

// ByteOrder is what [binary.LittleEndian], [binary.BigEndian] and [binary.NativeEndian] are.
type ByteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// Head returns what begins a type: the offset of its name, its kind, and how many
// elements follow it.
func Head(order ByteOrder, record []byte) (name uint32, kind, count int) {
	info := order.Uint32(record[4:])
	return order.Uint32(record), int(info >> KindShift & KindMask), int(info & CountMask)
}

// visit calls typ with each place of a record that holds the number of a type, and
// name with each that holds the offset of a string.
func visit(order ByteOrder, record []byte, typ, name func([]byte)) error {
	name(record)
	_, kind, _ := Head(order, record)
	each := func(size int, visit func([]byte)) {
		for b := record[TypeSize:]; len(b) >= size; b = b[size:] {
			visit(b)
		}
	}
	switch kind {
	case Int, Forward, Float:
	case Pointer, Typedef, Volatile, Const, Restrict, Func, Var, DeclTag, TypeTag:
		typ(record[8:])
	case Array:
		typ(record[TypeSize:])
		typ(record[TypeSize+4:])
	case Struct, Union:
		each(12, func(b []byte) { name(b); typ(b[4:]) })
	case Enum:
		each(8, name)
	case Enum64:
		each(12, name)
	case FuncProto:
		typ(record[8:])
		each(8, func(b []byte) { name(b); typ(b[4:]) })
	case Datasec:
		each(12, typ)
	default:
		return fmt.Errorf("types of kind %d", kind)
	}
	return nil
}

// Encode writes BTF with these types and strings.
func Encode(order ByteOrder, types, strings []byte) []byte {
	b := make([]byte, HeaderSize, HeaderSize+len(types)+len(strings))
	order.PutUint16(b, Magic)
	b[2] = 1 // version
	order.PutUint32(b[4:], HeaderSize)
	order.PutUint32(b[12:], uint32(len(types)))
	order.PutUint32(b[16:], uint32(len(types)))
	order.PutUint32(b[20:], uint32(len(strings)))
	return append(append(b, types...), strings...)
}

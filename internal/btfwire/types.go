package btfwire

import (
	"bytes"
	"fmt"
)

// An Error says what is wrong with BTF, and where.
type Error struct {
	Offset int64 // bytes from the start, 0 when no place is meant
	Msg    string
}

// Error returns what is wrong.
func (e *Error) Error() string { return e.Msg }

// Split returns the types and the strings of BTF, not copies. The error is an [*Error].
func Split(order ByteOrder, b []byte) (types, strings []byte, err error) {
	if strings, err = Strings(order, b); err != nil {
		return nil, nil, err
	}
	types, err = part(order, b, 8, "types")
	return types, strings, err
}

// Strings returns the strings of BTF, not a copy. The error is an [*Error].
func Strings(order ByteOrder, b []byte) ([]byte, error) { return part(order, b, 16, "strings") }

// part returns what a place and a size in the header speak of.
func part(order ByteOrder, b []byte, at int, name string) ([]byte, error) {
	if len(b) < HeaderSize || order.Uint16(b) != Magic {
		return nil, &Error{Msg: "no BTF header"}
	}
	start := uint64(order.Uint32(b[4:])) + uint64(order.Uint32(b[at:]))
	end := start + uint64(order.Uint32(b[at+4:]))
	if end > uint64(len(b)) {
		return nil, &Error{Msg: fmt.Sprintf("the %s go past the end of the section", name)}
	}
	return b[start:end:end], nil
}

// Types are the types of BTF as they are written, by number.
type Types struct {
	Order   ByteOrder
	Records []byte
	Strings []byte
	Places  []int // of the types in Records, by number less one
}

// Read finds the types of BTF. It copies nothing. The error is an [*Error].
func Read(order ByteOrder, b []byte) (*Types, error) {
	records, strings, err := Split(order, b)
	if err != nil {
		return nil, err
	}
	t := &Types{Order: order, Records: records, Strings: strings}
	for at := 0; at < len(records); {
		size := t.sizeAt(at)
		if size > len(records)-at {
			start := int64(order.Uint32(b[4:])) + int64(order.Uint32(b[8:]))
			return nil, &Error{Offset: start + int64(at), Msg: "half a type"}
		}
		t.Places = append(t.Places, at)
		at += size
	}
	return t, nil
}

// sizeAt returns the bytes of the type at a place, more than there are of half a type.
func (t *Types) sizeAt(at int) int {
	if len(t.Records)-at < TypeSize {
		return TypeSize
	}
	_, kind, count := t.Head(at)
	if kind >= Kinds {
		return TypeSize
	}
	l := Layouts[kind]
	return TypeSize + int(l.Fixed) + int(l.Each)*count
}

// Head is that of the type at a place, see [Head].
func (t *Types) Head(at int) (name uint32, kind, count int) { return Head(t.Order, t.Records[at:]) }

// Record returns the bytes of a type.
func (t *Types) Record(id uint32) ([]byte, error) {
	if id == 0 || uint64(id) > uint64(len(t.Places)) {
		return nil, fmt.Errorf("no type %d", id)
	}
	end := len(t.Records)
	if int(id) < len(t.Places) {
		end = t.Places[id]
	}
	return t.Records[t.Places[id-1]:end:end], nil
}

// String returns the string at an offset, see [String].
func (t *Types) String(off uint32) ([]byte, bool) { return String(t.Strings, off) }

// String returns the one of several strings at an offset, without its zero.
func String(strings []byte, off uint32) ([]byte, bool) {
	if uint64(off) >= uint64(len(strings)) {
		return nil, false
	}
	end := bytes.IndexByte(strings[off:], 0)
	if end < 0 {
		return nil, false
	}
	return strings[off:][:end], true
}

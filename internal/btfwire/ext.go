package btfwire

import "fmt"

// A section .BTF.ext holds three tables (Documentation/bpf/btf.rst). Each is the size of a
// record, then for each section its name's offset in the strings of .BTF, the number
// of records, the records. A record starts with the byte offset of its instruction.
const (
	ExtFunctions = iota
	ExtLines
	ExtCORE

	ExtTables
)

// ExtHeaderSize is struct btf_ext_header in bytes, 24 before CO-RE.
const ExtHeaderSize = 32

// ExtSizes are the known parts of the records of a table in bytes: struct
// bpf_func_info, bpf_line_info, bpf_core_relo. It is not to be changed.
var ExtSizes = [ExtTables]int{8, 16, 16}

// ExtTable is one table of .BTF.ext, with the place at which it starts.
type ExtTable struct {
	order ByteOrder
	data  []byte
	Start int64
	known int
}

// Ext returns a table of a section .BTF.ext, an empty one if there is none. The error is an [*Error].
func Ext(order ByteOrder, b []byte, table int) (ExtTable, error) {
	if len(b) < HeaderSize || order.Uint16(b) != Magic {
		return ExtTable{}, &Error{Msg: "no BTF header"}
	}
	hdr, at := uint64(order.Uint32(b[4:])), 8+8*table
	if uint64(at+8) > hdr || at+8 > len(b) {
		return ExtTable{}, nil
	}
	start, length := hdr+uint64(order.Uint32(b[at:])), uint64(order.Uint32(b[at+4:]))
	if start+length > uint64(len(b)) {
		return ExtTable{}, &Error{Msg: "a table goes past the end of the section"}
	}
	return ExtTable{order, b[start : start+length], int64(start), ExtSizes[table]}, nil
}

// Sections calls visit with the records of each section, which have size bytes
// each. text returns a string of .BTF. The error is an [*Error].
func (t *ExtTable) Sections(text func(off uint32) (string, bool), visit func(name string, records []byte, size int)) error {
	fail := func(format string, args ...any) error {
		return &Error{Offset: t.Start, Msg: fmt.Sprintf(format, args...)}
	}
	if len(t.data) < 4 {
		return nil
	}
	size := uint64(t.order.Uint32(t.data))
	if size < uint64(t.known) || size > 256 {
		return fail("records of %d bytes", size)
	}
	for b := t.data[4:]; len(b) > 0; {
		if len(b) < 8 {
			return fail("half a section header")
		}
		name, ok := text(t.order.Uint32(b))
		n := uint64(t.order.Uint32(b[4:]))
		if !ok || n*size > uint64(len(b)-8) {
			return fail("%d records of section %.80q do not fit", n, name)
		}
		visit(name, b[8:8+n*size], int(size))
		b = b[8+n*size:]
	}
	return nil
}

// EncodeExt writes a section .BTF.ext of tables that are written already.
func EncodeExt(order ByteOrder, tables [ExtTables][]byte) []byte {
	room := ExtHeaderSize
	for _, table := range tables {
		room += len(table)
	}
	b := make([]byte, ExtHeaderSize, room)
	order.PutUint16(b, Magic)
	b[2] = 1 // version
	order.PutUint32(b[4:], ExtHeaderSize)
	for i, table := range tables {
		order.PutUint32(b[8+8*i:], uint32(len(b)-ExtHeaderSize))
		order.PutUint32(b[12+8*i:], uint32(len(table)))
		b = append(b, table...)
	}
	return b
}

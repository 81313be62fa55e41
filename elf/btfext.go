package elf

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// .BTF.ext holds three tables, of functions, of source lines and of CO-RE relocations
// (Documentation/bpf/btf.rst). Each is the size of a record, then for each section its
// name's offset in the BTF strings, the number of records, the records. A
// record starts with the byte offset of its instruction.
const (
	btfExtHeaderSize = 32 // 24 before CO-RE
)

// extSizes are the parts of a record that are known: struct bpf_func_info, bpf_line_info, bpf_core_relo.
var extSizes = [3]int{8, 16, 16}

// extRecord is a record with its instruction's new offset in front.
type extRecord struct {
	off  uint64
	rest []byte // what follows the offset
}

// extTable is one table for the sections of an image: [0] entries, [1] subprograms.
type extTable [2][]extRecord

// extInfo is what .BTF.ext says about the functions of a link.
type extInfo [3]extTable

func (x *extInfo) empty() bool {
	return !slices.ContainsFunc(x[:], func(t extTable) bool { return len(t[0])+len(t[1]) > 0 })
}

// extReader walks .BTF.ext.
type extReader struct {
	order   byteOrder
	strings string
	b       []byte
}

// readExt returns the records of the functions of a link, with their new
// offsets. Records of other sections are not read.
func (o *Object) readExt(l *link) (*extInfo, error) {
	x := new(extInfo)
	for table := range extSizes {
		index, err := o.ext[table]()
		if err != nil {
			return nil, err
		}
		t := &x[table]
		for _, f := range l.funcs {
			for _, r := range index.within(f.fn.section.Name, f.fn.start, f.fn.end()) {
				if r.off%insnSize == 0 {
					t[f.place] = append(t[f.place], extRecord{r.off - f.fn.start + f.off, r.rest})
				}
			}
		}
		for place := range t {
			slices.SortStableFunc(t[place], func(a, b extRecord) int { return cmp.Compare(a.off, b.off) })
			// The reader of the image stops at a second record for one place.
			t[place] = slices.CompactFunc(t[place], func(a, b extRecord) bool { return a.off == b.off })
		}
	}
	return x, nil
}

// The tables of .BTF.ext in their order.
const (
	extFunctions = iota
	extLines
	extCORE
)

// extTable calls read with one table of .BTF.ext, if there is one.
func (o *Object) extTable(table int, read func(*extReader) error) error {
	sec := o.section(btfExtSection)
	if sec == nil || o.section(btfSection) == nil {
		return nil
	}
	b, err := sectionData(o.image, sec)
	if err != nil {
		return err
	}
	if len(b) < btfwire.HeaderSize || o.order.Uint16(b) != btfwire.Magic {
		return &FormatError{Section: btfExtSection, Msg: "no BTF header"}
	}
	names, err := o.btfStrings()
	if err != nil {
		return err
	}
	hdr, at := uint64(o.order.Uint32(b[4:])), 8+8*table
	if uint64(at+8) > hdr || at+8 > len(b) {
		return nil
	}
	start, length := hdr+uint64(o.order.Uint32(b[at:])), uint64(o.order.Uint32(b[at+4:]))
	if start+length > uint64(len(b)) {
		return &FormatError{Section: btfExtSection, Msg: "a table goes past the end of the section"}
	}
	if err := read(&extReader{o.order, names, b[start : start+length]}); err != nil {
		return &FormatError{Section: btfExtSection, Offset: int64(start), Msg: err.Error()}
	}
	return nil
}

// sections calls visit with the records of each section, which have size bytes each.
func (r *extReader) sections(known int, visit func(name string, records []byte, size int)) error {
	if len(r.b) < 4 {
		return nil
	}
	size := uint64(r.order.Uint32(r.b))
	if size < uint64(known) || size > 256 {
		return fmt.Errorf("records of %d bytes", size)
	}
	for b := r.b[4:]; len(b) > 0; {
		if len(b) < 8 {
			return fmt.Errorf("half a section header")
		}
		name, ok := tableString(r.strings, r.order.Uint32(b))
		n := uint64(r.order.Uint32(b[4:]))
		if !ok || n*size > uint64(len(b)-8) {
			return fmt.Errorf("%d records of section %q do not fit", n, clip(name))
		}
		visit(name, b[8:8+n*size], int(size))
		b = b[8+n*size:]
	}
	return nil
}

// copyStrings returns the string table of .BTF.
func (o *Object) copyStrings() (string, error) {
	b, err := o.btfData()
	if err != nil {
		return "", err
	}
	strings, err := btfStringTable(b, o.order)
	return string(strings), err
}

// maxTypes bounds the types of an object in bytes: they are decoded by
// recursion, as deep as there are types. Those of a whole kernel have 4 MB, those of the largest known objects 0.2 MB.
const maxTypes = 1 << 20

// btfData returns section .BTF, nil when there is none.
func (o *Object) btfData() ([]byte, error) {
	sec := o.section(btfSection)
	if sec == nil {
		return nil, nil
	}
	b, err := sectionData(o.image, sec)
	if err != nil {
		return nil, err
	}
	if len(b) < btfwire.HeaderSize || o.order.Uint16(b) != btfwire.Magic {
		return nil, &FormatError{Section: btfSection, Msg: "no BTF header"}
	}
	if n := o.order.Uint32(b[12:]); n > maxTypes {
		return nil, &FormatError{Section: btfSection, Msg: fmt.Sprintf("%d bytes of types, more than the %d that are read", n, maxTypes)}
	}
	return b, nil
}

func btfStringTable(b []byte, order byteOrder) ([]byte, error) {
	hdr := uint64(order.Uint32(b[4:]))
	off, n := hdr+uint64(order.Uint32(b[16:])), uint64(order.Uint32(b[20:]))
	if off > uint64(len(b)) || n > uint64(len(b))-off {
		return nil, &FormatError{Section: btfSection, Msg: "the strings go past the end of the section"}
	}
	return b[off : off+n], nil
}

// withStrings returns a copy of a .BTF section with more strings, and their
// offsets in its string table. The whole table moves behind the types.
func withStrings(b []byte, order byteOrder, more ...string) ([]byte, []uint32, error) {
	table, err := btfStringTable(b, order)
	if err != nil {
		return nil, nil, err
	}
	hdr := order.Uint32(b[4:])
	end := hdr + order.Uint32(b[8:]) + order.Uint32(b[12:])
	if uint64(hdr)+uint64(order.Uint32(b[8:]))+uint64(order.Uint32(b[12:])) > uint64(len(b)) {
		return nil, nil, &FormatError{Section: btfSection, Msg: "the types go past the end of the section"}
	}
	out := append(make([]byte, 0, int(end)+len(table)+64), b[:end]...)
	out = append(out, table...)
	var offs []uint32
	for _, s := range more {
		offs = append(offs, uint32(len(out))-end)
		out = append(append(out, s...), 0)
	}
	order.PutUint32(out[16:], end-hdr)
	order.PutUint32(out[20:], uint32(len(out))-end)
	return out, offs, nil
}

// encode writes the tables as a .BTF.ext section for the sections with these names.
func (x *extInfo) encode(order byteOrder, names []uint32) []byte {
	var body bytes.Buffer
	header := make([]byte, btfExtHeaderSize)
	order.PutUint16(header, btfwire.Magic)
	header[2] = 1
	order.PutUint32(header[4:], btfExtHeaderSize)
	for i, size := range extSizes {
		start := body.Len()
		x[i].encode(&body, order, names, size)
		order.PutUint32(header[8+8*i:], uint32(start))
		order.PutUint32(header[12+8*i:], uint32(body.Len()-start))
	}
	return append(header, body.Bytes()...)
}

func (t *extTable) encode(w *bytes.Buffer, order byteOrder, names []uint32, size int) {
	put := func(v uint32) { w.Write(order.AppendUint32(w.AvailableBuffer(), v)) }
	put(uint32(size))
	for i, records := range t {
		if len(records) == 0 {
			continue
		}
		put(names[i])
		put(uint32(len(records)))
		for _, r := range records {
			put(uint32(r.off))
			w.Write(r.rest)
		}
	}
}

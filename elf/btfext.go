package elf

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// .BTF.ext holds three tables, of functions, of source lines and of CO-RE relocations
// (Documentation/bpf/btf.rst). Each is the size of a record, then for each section its
// name's offset in the BTF strings, the number of records, the records. A
// record starts with the byte offset of its instruction.
const btfExtHeaderSize = 32 // 24 before CO-RE

// extSizes are the parts of a record that are known: struct bpf_func_info, bpf_line_info, bpf_core_relo.
var extSizes = [3]int{8, 16, 16}

// extRecord is a record.
type extRecord struct {
	off  uint64 // of its instruction: in its section, or in that of an image
	rest []byte // what follows the offset
}

// extReader walks .BTF.ext.
type extReader struct {
	order   byteOrder
	strings string
	b       []byte
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
			return fmt.Errorf("%d records of section %q do not fit", n, naming.Clip(name))
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
	_, strings, err := btfwire.Split(o.order, b)
	return string(strings), btfError(err)
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

// extIndex is one table of .BTF.ext by section.
type extIndex struct {
	// sections decode the records of one section when they are first asked for,
	// in the order of their instructions.
	sections map[string]func() []extRecord
	names    string // the strings that records refer to
}

// indexExt finds the sections of a table of .BTF.ext.
func (o *Object) indexExt(table int) (extIndex, error) {
	index := extIndex{sections: make(map[string]func() []extRecord)}
	known := extSizes[table]
	parts := make(map[string][][]byte)
	err := o.extTable(table, func(r *extReader) error {
		index.names = r.strings
		return r.sections(known, func(name string, b []byte, size int) {
			if parts[name] == nil {
				index.sections[name] = sync.OnceValue(func() []extRecord {
					return sortedRecords(parts[name], r.order, size, known)
				})
			}
			parts[name] = append(parts[name], b)
		})
	})
	return index, err
}

// sortedRecords decodes records of size bytes, of which known are kept.
func sortedRecords(parts [][]byte, order byteOrder, size, known int) (records []extRecord) {
	for _, b := range parts {
		for ; len(b) >= size; b = b[size:] {
			records = append(records, extRecord{uint64(order.Uint32(b)), b[4:known]})
		}
	}
	slices.SortStableFunc(records, func(a, b extRecord) int { return cmp.Compare(a.off, b.off) })
	return records
}

// within returns the records about a part of a section.
func (x *extIndex) within(section string, start, end uint64) []extRecord {
	decode := x.sections[section]
	if decode == nil {
		return nil
	}
	records := decode()
	at := func(r extRecord, off uint64) int { return cmp.Compare(r.off, off) }
	lo, _ := slices.BinarySearchFunc(records, start, at)
	hi, _ := slices.BinarySearchFunc(records, end, at)
	return records[lo:max(lo, hi)]
}

// extRecords returns the records of a table that are about a function.
func (o *Object) extRecords(table int, p Program) ([]extRecord, string, error) {
	index, err := o.ext[table]()
	if err != nil {
		return nil, "", err
	}
	return index.within(p.Section, p.Offset, p.Offset+p.Size), index.names, nil
}

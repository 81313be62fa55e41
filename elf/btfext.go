package elf

import (
	"cmp"
	"slices"
	"sync"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// extRecord is a record of .BTF.ext.
type extRecord struct {
	off  uint64 // of its instruction: in its section, or in that of an image
	rest []byte // what follows the offset
}

// copyStrings returns the string table of .BTF.
func (o *Object) copyStrings() (string, error) {
	b, err := o.btfData()
	if err != nil {
		return "", err
	}
	strings, err := btfwire.Strings(o.order, b)
	return string(strings), btfError(btfSection, err)
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
		return nil, faultIn(btfSection, 0, "no BTF header")
	}
	if n := o.order.Uint32(b[12:]); n > maxTypes {
		return nil, faultIn(btfSection, 0, "%d bytes of types, more than the %d that are read", n, maxTypes)
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
	sec := o.section(btfExtSection)
	if sec == nil || o.section(btfSection) == nil {
		return index, nil
	}
	b, err := sectionData(o.image, sec)
	if err != nil {
		return index, err
	}
	t, err := btfwire.Ext(o.order, b, table)
	if err != nil {
		return index, btfError(btfExtSection, err)
	}
	if index.names, err = o.btfStrings(); err != nil {
		return index, err
	}
	parts := make(map[string][][]byte)
	text := func(off uint32) (string, bool) { return tableString(index.names, off) }
	err = t.Sections(text, func(name string, b []byte, size int) {
		if parts[name] == nil {
			index.sections[name] = sync.OnceValue(func() []extRecord {
				return sortedRecords(parts[name], o.order, size, btfwire.ExtSizes[table])
			})
		}
		parts[name] = append(parts[name], b)
	})
	return index, btfError(btfExtSection, err)
}

// sortedRecords decodes records of size bytes, of which known are kept.
func sortedRecords(parts [][]byte, order byteOrder, size, known int) (records []extRecord) {
	for _, b := range parts {
		for ; len(b) >= size; b = b[size:] {
			records = append(records, extRecord{uint64(order.Uint32(b)), b[4:known]})
		}
	}
	slices.SortStableFunc(records, func(a, b extRecord) int { return cmp.Compare(a.off, b.off) })
	// As the kernel has it, a second record for one place says nothing.
	return slices.CompactFunc(records, func(a, b extRecord) bool { return a.off == b.off })
}

// within returns the records about a part of a section.
func (x *extIndex) within(section string, start, end uint64) []extRecord {
	decode := x.sections[section]
	if decode == nil {
		return nil
	}
	return between(decode(), start, end, func(r extRecord) uint64 { return r.off })
}

// extRecords returns the records of a table that are about a function.
func (o *Object) extRecords(table int, p Program) ([]extRecord, string, error) {
	index, err := o.ext[table]()
	if err != nil {
		return nil, "", err
	}
	return index.within(p.Section, p.Offset, p.Offset+p.Size), index.names, nil
}

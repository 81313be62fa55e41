package elf

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Line is a line of the source, and the instruction that begins it.
type Line struct {
	Offset uint64 // of the instruction, bytes from the start of the section
	File   string
	Line   int    // from 1, 0 when unknown
	Column int    // from 1, 0 when unknown
	Text   string // without blanks around it, "" when the compiler did not keep it
}

// Lines returns the lines of the source of a program or subprogram of this object by
// offset, none without BTF. The error is a [*FormatError].
func (o *Object) Lines(p Program) ([]Line, error) {
	records, names, err := o.extRecords(extLines, p)
	if err != nil {
		return nil, o.fault(err)
	}
	var lines []Line
	for _, r := range records {
		file, _ := tableString(names, o.order.Uint32(r.rest))
		text, _ := tableString(names, o.order.Uint32(r.rest[4:]))
		place := o.order.Uint32(r.rest[8:])
		lines = append(lines, Line{r.off, file, int(place >> 10), int(place & 0x3ff), strings.TrimSpace(text)})
	}
	return lines, nil
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

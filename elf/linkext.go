package elf

import (
	"cmp"
	"slices"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// extTable is one table for the sections of an image: [0] entries, [1] subprograms.
type extTable [2][]extRecord

// extInfo is what .BTF.ext says about the functions of a link.
type extInfo [btfwire.ExtTables]extTable

func (x *extInfo) empty() bool {
	return !slices.ContainsFunc(x[:], func(t extTable) bool { return len(t[0])+len(t[1]) > 0 })
}

// readExt returns the records of the functions of a link, with their new
// offsets. Records of other sections are not read.
func (o *Object) readExt(l *link) (*extInfo, error) {
	x := new(extInfo)
	for table := range btfwire.ExtSizes {
		index, err := o.ext[table]()
		if err != nil {
			return nil, err
		}
		t := &x[table]
		for _, f := range l.funcs {
			for _, r := range index.within(f.fn.section.Name, f.fn.start, f.fn.end()) {
				if r.off%insn.Size == 0 {
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

// withStrings returns a copy of a .BTF section with more strings, and their offsets.
func withStrings(b []byte, order byteOrder, more ...string) ([]byte, []uint32, error) {
	types, strings, err := btfwire.Split(order, b)
	if err != nil {
		return nil, nil, btfError(btfSection, err)
	}
	var offs []uint32
	for _, s := range more {
		offs = append(offs, uint32(len(strings)))
		strings = append(append(strings, s...), 0) // a copy: Split leaves no room after them
	}
	return btfwire.Encode(order, types, strings), offs, nil
}

// encode writes the tables as a .BTF.ext section for the sections with these names.
func (x *extInfo) encode(order byteOrder, names []uint32) []byte {
	var tables [btfwire.ExtTables][]byte
	for i, size := range btfwire.ExtSizes {
		tables[i] = x[i].encode(order, names, size)
	}
	return btfwire.EncodeExt(order, tables)
}

func (t *extTable) encode(order byteOrder, names []uint32, size int) []byte {
	room := 4 + 8*len(t) + size*(len(t[placeEntry])+len(t[placeSubprogram]))
	b := order.AppendUint32(make([]byte, 0, room), uint32(size))
	for i, records := range t {
		if len(records) == 0 {
			continue
		}
		b = order.AppendUint32(b, names[i])
		b = order.AppendUint32(b, uint32(len(records)))
		for _, r := range records {
			b = append(order.AppendUint32(b, uint32(r.off)), r.rest...)
		}
	}
	return b
}

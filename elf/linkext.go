package elf

import (
	"cmp"
	"slices"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

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
		begun := 0
		for _, f := range l.funcs {
			for _, r := range index.within(f.fn.section.Name, f.fn.start, f.fn.end()) {
				if r.off%insn.Size == 0 {
					t[f.place] = append(t[f.place], extRecord{r.off - f.fn.start + f.off, r.rest})
					if r.off == f.fn.start {
						begun++
					}
				}
			}
		}
		if table != btfwire.ExtCORE && len(t[placeEntry])+len(t[placeSubprogram]) > 0 && begun < len(l.funcs) {
			l.incomplete = true
		}
		for place := range t {
			slices.SortStableFunc(t[place], func(a, b extRecord) int { return cmp.Compare(a.off, b.off) })
			// The reader of the image stops at a second record for one place.
			t[place] = slices.CompactFunc(t[place], func(a, b extRecord) bool { return a.off == b.off })
		}
	}
	return x, nil
}

// complete describes the functions that were compiled without debug information, if others
// were compiled with: the kernel wants to know where all start, or none.
func (l *link) complete(insns asm.Instructions) {
	funcs := make(map[string]bool, len(l.funcs))
	for _, f := range l.funcs {
		funcs[f.name] = true
	}
	for i := range insns {
		ins := &insns[i]
		name := ins.Symbol()
		if !funcs[name] {
			continue
		}
		if btf.FuncMetadata(ins) == nil {
			*ins = btf.WithFuncMetadata(*ins, &btf.Func{Name: name, Type: &btf.FuncProto{Return: (*btf.Void)(nil)}, Linkage: btf.StaticFunc})
		}
		if ins.Source() == nil {
			*ins = ins.WithSource(asm.Comment(""))
		}
	}
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

package rewrite

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// movedCode is where the code of a section is now.
type movedCode struct {
	name  string // of the section
	shift uint64 // bytes
}

// moveExt gives the functions, lines and CO-RE relocations of .BTF.ext the new
// places of their code. What is in one section is in one table: libbpf reads no second one.
func (c *converter) moveExt(moved map[string]movedCode) error {
	sec := c.section(".BTF.ext")
	if sec == nil || c.section(".BTF") == nil || len(moved) == 0 {
		return nil
	}
	b, err := c.o.Data(*sec)
	if err != nil {
		return err
	}
	var tables [btfwire.ExtTables][]byte
	for table := range tables {
		t, err := btfwire.Ext(c.order, b, table)
		if err == nil {
			tables[table], err = c.moveRecords(&t, moved)
		}
		if err != nil {
			return malformed(".BTF.ext", err)
		}
	}
	c.patch.setData(sec.Index, ".BTF.ext", btfwire.EncodeExt(c.order, tables))
	c.patch.sections[sec.Index].relocs = nil
	return nil
}

// moveRecords returns a table with the records in the order of their new places.
func (c *converter) moveRecords(t *btfwire.ExtTable, moved map[string]movedCode) ([]byte, error) {
	order := c.order
	var names []string
	records := make(map[string][][]byte)
	size := 0
	text := func(off uint32) (string, bool) { s, ok := c.btf.String(off); return string(s), ok }
	err := t.Sections(text, func(name string, b []byte, n int) {
		to, ok := moved[name]
		if !ok {
			to.name = name
		}
		if records[to.name] == nil {
			names = append(names, to.name)
		}
		size = n
		for record := range slices.Chunk(bytes.Clone(b), n) {
			order.PutUint32(record, order.Uint32(record)+uint32(to.shift))
			records[to.name] = append(records[to.name], record)
		}
	})
	if err != nil || len(names) == 0 {
		return nil, err
	}
	table := order.AppendUint32(nil, uint32(size))
	for _, name := range names {
		list := records[name]
		slices.SortStableFunc(list, func(a, b []byte) int { return cmp.Compare(order.Uint32(a), order.Uint32(b)) })
		table = order.AppendUint32(table, c.btf.text(name))
		table = order.AppendUint32(table, uint32(len(list)))
		table = append(table, slices.Concat(list...)...)
	}
	return table, nil
}

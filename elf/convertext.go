package elf

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
	sec := c.o.section(btfExtSection)
	if sec == nil || c.o.section(btfSection) == nil || len(moved) == 0 {
		return nil
	}
	header := make([]byte, btfExtHeaderSize)
	c.o.order.PutUint16(header, btfwire.Magic)
	header[2] = 1
	c.o.order.PutUint32(header[4:], btfExtHeaderSize)
	var body []byte
	for table, known := range extSizes {
		start := len(body)
		err := c.o.extTable(table, func(r *extReader) error {
			records, err := c.moveRecords(r, known, moved)
			body = append(body, records...)
			return err
		})
		if err != nil {
			return err
		}
		c.o.order.PutUint32(header[8+8*table:], uint32(start))
		c.o.order.PutUint32(header[12+8*table:], uint32(len(body)-start))
	}
	c.patch.setData(sec.Index, btfExtSection, append(header, body...))
	for i := range c.patch.headers {
		if h := &c.patch.headers[i]; h.relocatable() && h.Info == sec.Index {
			c.patch.dropRelocs(i)
		}
	}
	return nil
}

// moveRecords returns a table with the records in the order of their new places.
func (c *converter) moveRecords(r *extReader, known int, moved map[string]movedCode) ([]byte, error) {
	var names []string
	records := make(map[string][][]byte)
	size := 0
	err := r.sections(known, func(name string, b []byte, n int) {
		to, ok := moved[name]
		if !ok {
			to.name = name
		}
		if records[to.name] == nil {
			names = append(names, to.name)
		}
		size = n
		for record := range slices.Chunk(bytes.Clone(b), n) {
			r.order.PutUint32(record, r.order.Uint32(record)+uint32(to.shift))
			records[to.name] = append(records[to.name], record)
		}
	})
	if err != nil || len(names) == 0 {
		return nil, err
	}
	table := r.order.AppendUint32(nil, uint32(size))
	for _, name := range names {
		list := records[name]
		slices.SortStableFunc(list, func(a, b []byte) int { return cmp.Compare(r.order.Uint32(a), r.order.Uint32(b)) })
		table = r.order.AppendUint32(table, c.btf.text(name))
		table = r.order.AppendUint32(table, uint32(len(list)))
		table = append(table, slices.Concat(list...)...)
	}
	return table, nil
}

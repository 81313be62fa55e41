package elf

import (
	"strings"

	"github.com/xdpload/xdpload/internal/btfwire"
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
	records, names, err := o.extRecords(btfwire.ExtLines, p)
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

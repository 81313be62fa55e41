package listing

import (
	"cmp"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
)

// block is the code of a section that is written.
type block struct {
	*elf.Section
	data   []byte
	end    uint64
	relocs []elf.Relocation // from here to the end
	labels map[uint64]string
	funcs  []uint64 // where functions begin, and the end
}

// section writes the code of a section from start to before end.
func (l *writer) section(s *elf.Section, start, end uint64) error {
	data, err := l.read(s)
	if err != nil {
		return err
	}
	relocs, err := l.o.Relocations(*s)
	if err != nil {
		return err
	}
	if err := l.notes(s); err != nil {
		return err
	}
	b := &block{Section: s, data: data, end: min(end, uint64(len(data))), relocs: relocs, funcs: l.functions(s)}
	if start%insn.Size != 0 || start > b.end {
		return &elf.FormatError{Section: s.Name, Offset: int64(start), Msg: "a function within an instruction"}
	}
	b.labels = labels(b.data[:b.end], start, l.o.ByteOrder(), l.labels)
	l.labels += len(b.labels)
	l.heading(s)
	return l.code(b, start)
}

// notes reads what is said beside the instructions of a section.
func (l *writer) notes(s *elf.Section) error {
	l.lines = make(map[uint64][]elf.Line)
	l.core = make(map[uint64]elf.CORE)
	whole := elf.Program{Section: s.Name, Size: s.Size}
	core, err := l.o.CORERelocations(whole)
	if err != nil {
		return err
	}
	for _, c := range core {
		l.core[c.Offset] = c
	}
	if !l.opts.Source {
		return nil
	}
	lines, err := l.o.Lines(whole)
	for _, line := range lines {
		l.lines[line.Offset] = append(l.lines[line.Offset], line)
	}
	return err
}

// labels gives names to the instructions that jumps go to, in their order, from
// the number after used on.
func labels(data []byte, start uint64, order binary.ByteOrder, used int) map[uint64]string {
	targets := make(map[uint64]bool)
	begins := make(map[uint64]bool)
	for at, i := range insn.All(data[start:], order) {
		begins[start+at] = true
		if to, ok := jumpTarget(i, start+at); ok {
			targets[to] = true
		}
	}
	names := make(map[uint64]string)
	for _, at := range slices.Sorted(maps.Keys(targets)) {
		if begins[at] {
			used++
			names[at] = fmt.Sprintf("L%d", used)
		}
	}
	return names
}

// jumpTarget returns where a jump at an offset of a section goes.
func jumpTarget(i insn.Instruction, at uint64) (uint64, bool) {
	slots, ok := i.Target()
	return uint64(int64(at) + int64(slots)*insn.Size), ok && i.Op != insn.Call
}

func (l *writer) code(b *block, start uint64) error {
	for at := start; at < b.end; {
		l.symbolsBefore(b, at)
		for len(b.relocs) > 0 && b.relocs[0].Offset < at {
			b.relocs = b.relocs[1:]
		}
		if b.end-at < insn.Size {
			return &elf.FormatError{Section: b.Name, Offset: int64(at), Msg: fmt.Sprintf("%d bytes are not an instruction", b.end-at)}
		}
		i := insn.Decode(b.data[at:b.end], l.o.ByteOrder())
		if i.Wide && l.splits(b, at+insn.Size) {
			i.Wide, i.High = false, 0
		}
		item := Item{Offset: at, Bytes: b.data[at : at+uint64(i.Slots())*insn.Size], Label: b.labels[at], Lines: l.lines[at]}
		item.around(l.Writer)
		l.instruction(b, i, &item)
		item.itself(l.Writer, l.opts.Raw)
		at += uint64(i.Slots()) * insn.Size
	}
	if b.end == b.Size {
		l.symbolsAt(b.Section, b.end, b.end)
	}
	return nil
}

// splits reports whether the second slot of a load has a symbol or a relocation of its own.
func (l *writer) splits(b *block, at uint64) bool {
	if len(l.names.starts[place{b.Index, at}]) > 0 {
		return true
	}
	_, found := slices.BinarySearchFunc(b.relocs, at, func(r elf.Relocation, at uint64) int { return cmp.Compare(r.Offset, at) })
	return found
}

func (l *writer) symbolsBefore(b *block, at uint64) {
	for len(b.funcs) > 1 && b.funcs[0] <= at {
		b.funcs = b.funcs[1:]
	}
	next := b.Size
	if len(b.funcs) > 0 {
		next = b.funcs[0]
	}
	l.symbolsAt(b.Section, at, next)
}

// instruction says what one instruction is, with its relocation and remarks.
func (l *writer) instruction(b *block, i insn.Instruction, item *Item) {
	if len(b.relocs) > 0 && b.relocs[0].Offset == item.Offset {
		item.Text, item.Remark = l.relocated(b, i)
	} else {
		item.Text, item.Remark = l.plain(b, item.Offset, i)
	}
	if c, ok := l.core[item.Offset]; ok {
		item.Remark = join(item.Remark, fmt.Sprintf("CO-RE %s of %s %s", c.Kind, elf.TypeName(c.Type), c.Access))
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "  " + b
}

// plain writes an instruction without a relocation.
func (l *writer) plain(b *block, at uint64, i insn.Instruction) (text, remark string) {
	if text, ok := jump(i, at, b.labels); ok {
		return text, ""
	}
	if i.Op == insn.Call && i.Src == insn.CallLocal {
		slots, _ := i.Target()
		remark = l.names.at(b.Index, uint64(int64(at)+int64(slots)*insn.Size))
	}
	return i.Text(""), remark
}

// jump writes a jump to a label.
func jump(i insn.Instruction, at uint64, labels map[uint64]string) (string, bool) {
	to, ok := jumpTarget(i, at)
	if !ok || labels[to] == "" {
		return "", false
	}
	return i.Named(labels[to])
}

// relocated writes an instruction with the name of what it refers to. One that
// no name can stand for has its relocation on a line before it.
func (l *writer) relocated(b *block, i insn.Instruction) (text, remark string) {
	r := b.relocs[0]
	b.relocs = b.relocs[1:]
	if more := len(b.relocs) > 0 && b.relocs[0].Offset == r.Offset; !more {
		if text, remark, ok := l.symbolic(r, i); ok {
			return text, remark
		}
	} else {
		defer func() { b.relocs = nil }() // several for one place are more than a listing says
	}
	l.relocation(r)
	return i.Text(""), ""
}

// relocation writes the relocation of what follows.
func (l *writer) relocation(r elf.Relocation) {
	s := l.symbols[r.Symbol]
	switch {
	case l.names.text[r.Symbol] != "":
		fmt.Fprintf(l, "\t.reloc %d {%s}\n", r.Type, l.names.text[r.Symbol])
	case s.Type == stdelf.STT_SECTION && s.Section < len(l.sections):
		fmt.Fprintf(l, "\t.reloc %d [%s]\n", r.Type, l.names.sections[s.Section])
	default:
		fmt.Fprintf(l, "\t; relocation %d of symbol %d, which has no name\n", r.Type, r.Symbol)
	}
}

func (l *writer) symbolic(r elf.Relocation, i insn.Instruction) (text, remark string, ok bool) {
	addend := int64(i.Imm)
	switch {
	case r.Type == relocCall && i.Op == insn.Call:
		addend = (addend + 1) * insn.Size
	case r.Type == relocLoad && i.Op == insn.LoadImm64 && i.Wide:
	default:
		return "", "", false
	}
	name, ok := l.names.operand(r.Symbol, addend)
	if !ok {
		return "", "", false
	}
	sym := &l.symbols[r.Symbol]
	inSection := strings.HasPrefix(name, "[")
	if inSection {
		remark = l.names.at(sym.Section, uint64(addend))
	}
	_, helper := insn.HelperNumber(name)
	switch {
	case i.Op == insn.LoadImm64 && l.isMap(sym) && addend == 0 && !inSection:
		name = "map[" + name + "]"
	case i.Op == insn.LoadImm64:
		name = "&" + name
	case helper || strings.HasPrefix(name, "pc") || strings.Contains(name, "#"):
		return "", "", false
	}
	text, ok = i.Named(name)
	return text, remark, ok
}

// isMap reports whether a symbol is in a section of maps.
func (l *writer) isMap(s *elf.Symbol) bool {
	if s.Section <= 0 || s.Section >= len(l.sections) {
		return false
	}
	name := l.sections[s.Section].Name
	return name == ".maps" || strings.HasPrefix(name, "maps")
}

package rewrite

import (
	"bytes"
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"maps"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// patch changes sections and symbols of an object, and leaves all else where it is: what is
// new goes after the old file, and a new section header table after that.
type patch struct {
	*source
	image   []byte // a copy
	headers []elf.Section
	names   map[int]string // of sections whose name is new
	data    map[int][]byte // of sections whose bytes are new
	symtab  int
	entries [][image.SymbolSize]byte // of the symbol table
	relocs  map[int][]byte           // of sections that hold relocations, changed in place
	dropped map[int]bool             // sections that are left out
}

func newPatch(s *source) *patch {
	p := &patch{
		source: s, image: bytes.Clone(s.image), headers: slices.Clone(s.sections),
		names: make(map[int]string), data: make(map[int][]byte), relocs: make(map[int][]byte), dropped: make(map[int]bool),
	}
	p.symtab = slices.IndexFunc(s.sections, func(s elf.Section) bool { return s.Type == stdelf.SHT_SYMTAB })
	table, _ := s.o.Data(s.sections[p.symtab]) // it has been read before
	p.entries = make([][image.SymbolSize]byte, len(s.symbols))
	for i := range p.entries {
		copy(p.entries[i][:], table[image.SymbolSize*i:])
	}
	for i := range s.sections {
		if relocatable(&s.sections[i]) {
			if b, err := s.o.Data(s.sections[i]); err == nil {
				p.relocs[i] = b
			}
		}
	}
	return p
}

// drop leaves a section out.
func (p *patch) drop(index int) {
	p.headers[index] = elf.Section{Index: index}
	p.names[index] = ""
	p.dropped[index] = true
}

// setData gives a section new bytes; index 0 is a new section.
func (p *patch) setData(index int, name string, b []byte) {
	if index == 0 {
		index = len(p.headers)
		p.headers = append(p.headers, elf.Section{Index: index, Align: 8})
	}
	h := &p.headers[index]
	h.Type = stdelf.SHT_PROGBITS
	if name == ".maps" {
		h.Flags = stdelf.SHF_ALLOC | stdelf.SHF_WRITE
		h.Align = 8
	}
	p.names[index], p.data[index] = name, b
	delete(p.dropped, index)
}

// setRelocs gives a section its relocations, as values of 8 bytes.
func (p *patch) setRelocs(of int, name string, refs []rawRel) {
	var b []byte
	for _, r := range refs {
		b = p.order.AppendUint64(b, r.off)
		b = p.order.AppendUint64(b, uint64(r.symbol)<<32|relocAddress)
	}
	index := slices.IndexFunc(p.headers, func(s elf.Section) bool { return relocatable(&s) && s.Info == of })
	if len(b) == 0 && index < 0 {
		return
	}
	if index < 0 {
		index = len(p.headers)
		p.headers = append(p.headers, elf.Section{
			Index: index, Type: stdelf.SHT_REL, Align: 8, EntrySize: image.RelSize, Link: p.symtab, Info: of,
		})
	}
	p.names[index], p.relocs[index] = name, b
}

// relocAddress is R_BPF_64_ABS64, LLVM's include/llvm/BinaryFormat/ELFRelocs/BPF.def.
const relocAddress = 2

// retarget makes the relocation at an offset of a section one of another symbol.
func (p *patch) retarget(section int, off uint64, symbol int) {
	for index, b := range p.relocs {
		if p.headers[index].Info != section {
			continue
		}
		for ; len(b) >= image.RelSize; b = b[image.RelSize:] {
			if p.order.Uint64(b) == off {
				typ := stdelf.R_TYPE64(p.order.Uint64(b[8:]))
				p.order.PutUint64(b[8:], uint64(symbol)<<32|uint64(typ))
			}
		}
	}
}

// moveSymbol places a symbol, and makes it global.
func (p *patch) moveSymbol(index, section, off, size int) {
	s := p.entries[index][:]
	s[4] = stdelf.ST_INFO(stdelf.STB_GLOBAL, stdelf.STT_OBJECT)
	p.order.PutUint16(s[6:], uint16(section))
	p.order.PutUint64(s[8:], uint64(off))
	p.order.PutUint64(s[16:], uint64(size))
}

// export makes a symbol global, and a function of one without a type.
func (p *patch) export(index int) {
	s := p.entries[index][:]
	typ := stdelf.ST_TYPE(s[4])
	if typ == stdelf.STT_NOTYPE {
		typ = stdelf.STT_FUNC
	}
	s[4] = stdelf.ST_INFO(stdelf.STB_GLOBAL, typ)
}

// addressSignificance is SHT_LLVM_ADDRSIG, LLVM's include/llvm/BinaryFormat/ELF.h.
const addressSignificance stdelf.SectionType = 0x6fff4c03

// sortSymbols puts local symbols first, as the ELF specification wants them,
// and gives the relocations the new numbers.
func (p *patch) sortSymbols() error {
	order := make([]int, len(p.entries))
	for i := range order {
		order[i] = i
	}
	global := func(i int) int { return min(int(stdelf.ST_BIND(p.entries[i][4])), 1) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(global(a), global(b)) })
	number := make([]int, len(order))
	var table []byte
	locals := 0
	for now, before := range order {
		number[before] = now
		table = append(table, p.entries[before][:]...)
		if global(before) == 0 {
			locals++
		}
	}
	for index, b := range p.relocs {
		for i := 0; i+image.RelSize <= len(b); i += image.RelSize {
			info := p.order.Uint64(b[i+8:])
			n := stdelf.R_SYM64(info)
			if int(n) >= len(number) {
				return &elf.FormatError{Section: p.headers[index].Name, Offset: int64(i), Msg: fmt.Sprintf("no symbol %d", n)}
			}
			p.order.PutUint64(b[i+8:], uint64(number[n])<<32|uint64(stdelf.R_TYPE64(info)))
		}
		p.data[index] = b
	}
	p.data[p.symtab] = table
	p.headers[p.symtab].Info, p.headers[p.symtab].EntrySize = locals, image.SymbolSize
	for i := range p.headers { // a list of symbols by number, for linkers only
		if p.headers[i].Type == addressSignificance {
			p.drop(i)
		}
	}
	return nil
}

// bytes writes the object.
func (p *patch) bytes() []byte {
	names, offsets := p.nameTable()
	p.data[p.nameSection()] = names
	kept := p.renumber()
	out := p.image
	for _, index := range slices.Sorted(maps.Keys(p.data)) {
		out = append(out, make([]byte, -len(out)&7)...)
		p.headers[index].Offset, p.headers[index].Size = uint64(len(out)), uint64(len(p.data[index]))
		out = append(out, p.data[index]...)
	}
	out = append(out, make([]byte, -len(out)&7)...)
	p.order.PutUint64(out[40:], uint64(len(out)))
	p.order.PutUint16(out[60:], uint16(kept))
	for i := range p.headers {
		if !p.dropped[i] {
			out = appendHeader(&p.headers[i], out, p.order, offsets[i])
		}
	}
	return out
}

// renumber gives what refers to sections their numbers without those that are
// left out, and returns how many are kept.
func (p *patch) renumber() (kept int) {
	for i := range p.headers {
		if h := &p.headers[i]; relocatable(h) && p.dropped[h.Info] {
			delete(p.data, i)
			p.dropped[i] = true
		}
	}
	numbers := make([]int, len(p.headers))
	for i := range p.headers {
		if !p.dropped[i] {
			numbers[i] = kept
			kept++
		}
	}
	number := func(index int) int {
		if index < 0 || index >= len(numbers) { // SHN_ABS and the like
			return index
		}
		return numbers[index]
	}
	for i := range p.headers {
		h := &p.headers[i]
		h.Link = number(h.Link)
		if relocatable(h) || h.Type == stdelf.SHT_RELA {
			h.Info = number(h.Info)
		}
	}
	table := p.data[p.symtab]
	for ; len(table) >= image.SymbolSize; table = table[image.SymbolSize:] {
		p.order.PutUint16(table[6:], uint16(number(int(p.order.Uint16(table[6:])))))
	}
	p.order.PutUint16(p.image[62:], uint16(number(p.nameSection())))
	return kept
}

// nameTable returns the section names with the new ones, and each section's place in it.
func (p *patch) nameTable() (table []byte, offsets []uint32) {
	old, _ := p.o.Data(p.sections[p.nameSection()]) // it has been read before
	table = bytes.Clone(old)
	offsets = make([]uint32, len(p.headers))
	for i := range p.headers {
		if i < len(p.sections) {
			offsets[i] = p.order.Uint32(p.image[p.order.Uint64(p.image[40:])+uint64(i)*image.SectionSize:])
		}
		name, ok := p.names[i]
		switch {
		case ok && name == "":
			offsets[i] = uint32(max(0, bytes.IndexByte(table, 0)))
		case ok:
			offsets[i] = uint32(len(table))
			table = append(append(table, name...), 0)
		}
	}
	return table, offsets
}

// appendHeader writes a section header.
func appendHeader(s *elf.Section, b []byte, order btfwire.ByteOrder, name uint32) []byte {
	b = order.AppendUint32(b, name)
	b = order.AppendUint32(b, uint32(s.Type))
	b = order.AppendUint64(b, uint64(s.Flags))
	b = order.AppendUint64(b, 0)
	b = order.AppendUint64(b, s.Offset)
	b = order.AppendUint64(b, s.Size)
	b = order.AppendUint32(b, uint32(s.Link))
	b = order.AppendUint32(b, uint32(s.Info))
	b = order.AppendUint64(b, max(s.Align, 1))
	return order.AppendUint64(b, s.EntrySize)
}

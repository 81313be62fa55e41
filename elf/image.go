package elf

import (
	"debug/elf"
	"slices"
)

// image is an ELF object that is written in memory: a plain one, as today's
// compiler would make it, of the pieces that a link has found.
type image struct {
	order    byteOrder
	sections []imageSection
	locals   []imageSymbol
	globals  []imageSymbol
	strings  []byte
}

type imageSection struct {
	name       string
	typ        elf.SectionType
	flags      elf.SectionFlag
	data       []byte
	size       uint64 // of a section without data
	link, info uint32
	entry      uint64
	relocs     []imageReloc // of this section
}

type imageSymbol struct {
	name    string
	value   uint64
	size    uint64
	section int
	typ     elf.SymType
	bind    elf.SymBind
}

// imageReloc points at a symbol by its place among the locals or the globals.
type imageReloc struct {
	off    uint64
	symbol int
	local  bool
	typ    uint32
}

func newImage(order byteOrder) *image {
	return &image{order: order, sections: make([]imageSection, 1, 16), strings: make([]byte, 1, 512)}
}

// add adds a section and returns its index.
func (img *image) add(s imageSection) int {
	img.sections = append(img.sections, s)
	return len(img.sections) - 1
}

// local adds a local symbol and returns its place among them.
func (img *image) local(s imageSymbol) int {
	s.bind = elf.STB_LOCAL
	img.locals = append(img.locals, s)
	return len(img.locals) - 1
}

// global adds a global or weak symbol and returns its place among them.
func (img *image) global(s imageSymbol) int {
	img.globals = append(img.globals, s)
	return len(img.globals) - 1
}

// bytes writes the object: header, the sections' data, the section headers.
func (img *image) bytes() []byte {
	img.addRelocs()
	img.addSymbols()
	size := headerSize
	for i := range img.sections {
		size += len(img.sections[i].data) + 8 + sectionSize + len(img.sections[i].name) + 1
	}
	out := make([]byte, headerSize, size)
	names := make([]uint32, len(img.sections))
	for i := range img.sections {
		names[i] = img.string(img.sections[i].name)
	}
	img.sections[len(img.sections)-1].data = img.strings
	offsets := make([]int, len(img.sections))
	for i := range img.sections {
		out = append(out, make([]byte, -len(out)&7)...)
		offsets[i] = len(out)
		out = append(out, img.sections[i].data...)
	}
	out = append(out, make([]byte, -len(out)&7)...)
	img.header(out[:headerSize], len(out))
	for i := range img.sections {
		out = img.sections[i].append(out, img.order, names[i], offsets[i])
	}
	return out
}

func (img *image) header(b []byte, shoff int) {
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	b[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if !littleEndian(img.order) {
		b[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	b[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	img.order.PutUint16(b[16:], uint16(elf.ET_REL))
	img.order.PutUint16(b[18:], uint16(elf.EM_BPF))
	img.order.PutUint32(b[20:], uint32(elf.EV_CURRENT))
	img.order.PutUint64(b[40:], uint64(shoff))
	img.order.PutUint16(b[52:], headerSize)
	img.order.PutUint16(b[58:], sectionSize)
	img.order.PutUint16(b[60:], uint16(len(img.sections)))
	img.order.PutUint16(b[62:], uint16(len(img.sections)-1))
}

// append writes the section's header.
func (s *imageSection) append(b []byte, order byteOrder, name uint32, offset int) []byte {
	size := s.size
	if s.data != nil {
		size = uint64(len(s.data))
	}
	b = order.AppendUint32(b, name)
	b = order.AppendUint32(b, uint32(s.typ))
	b = order.AppendUint64(b, uint64(s.flags))
	b = order.AppendUint64(b, 0)
	b = order.AppendUint64(b, uint64(offset))
	b = order.AppendUint64(b, size)
	b = order.AppendUint32(b, s.link)
	b = order.AppendUint32(b, s.info)
	b = order.AppendUint64(b, 8)
	return order.AppendUint64(b, s.entry)
}

// addRelocs writes the relocations of each section into a section of their own.
func (img *image) addRelocs() {
	n := len(img.sections)
	for i := 1; i < n; i++ {
		if len(img.sections[i].relocs) == 0 {
			continue
		}
		var b []byte
		for _, r := range img.sections[i].relocs {
			sym := 1 + r.symbol
			if !r.local {
				sym += len(img.locals)
			}
			b = img.order.AppendUint64(b, r.off)
			b = img.order.AppendUint64(b, uint64(sym)<<32|uint64(r.typ))
		}
		img.add(imageSection{name: ".rel" + img.sections[i].name, typ: elf.SHT_REL, data: b, info: uint32(i), entry: relSize})
	}
}

// addSymbols writes the symbol table, and the section of all strings as the last one.
func (img *image) addSymbols() {
	b := make([]byte, symbolSize, symbolSize*(1+len(img.locals)+len(img.globals)))
	for _, s := range slices.Concat(img.locals, img.globals) {
		b = img.order.AppendUint32(b, img.string(s.name))
		b = append(b, elf.ST_INFO(s.bind, s.typ), 0)
		b = img.order.AppendUint16(b, uint16(s.section))
		b = img.order.AppendUint64(b, s.value)
		b = img.order.AppendUint64(b, s.size)
	}
	symtab := img.add(imageSection{name: ".symtab", typ: elf.SHT_SYMTAB, data: b, info: uint32(1 + len(img.locals)), entry: symbolSize})
	strtab := img.add(imageSection{name: ".strtab", typ: elf.SHT_STRTAB})
	for i := range img.sections {
		if t := img.sections[i].typ; t == elf.SHT_REL {
			img.sections[i].link = uint32(symtab)
		}
	}
	img.sections[symtab].link = uint32(strtab)
}

// string adds a string to the string table and returns its offset.
func (img *image) string(s string) uint32 {
	if s == "" {
		return 0
	}
	off := uint32(len(img.strings))
	img.strings = append(append(img.strings, s...), 0)
	return off
}

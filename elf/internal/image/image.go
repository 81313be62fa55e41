// Package image writes ELF objects.
package image

import (
	"debug/elf"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// Sizes of the ELF64 structures in bytes, from the ELF specification.
const (
	HeaderSize  = 64
	SectionSize = 64
	SymbolSize  = 24
	RelSize     = 16
)

// Image is an ELF object that is written in memory: a plain one, as today's
// compiler would make it. Its section header table ends with the symbol table
// and the section of all strings.
type Image struct {
	order    btfwire.ByteOrder
	Sections []Section // from 1
	locals   []Symbol
	globals  []Symbol
	strings  []byte
}

// Section is one section. Relocs, if any, get a section of their own.
type Section struct {
	Name       string
	Type       elf.SectionType
	Flags      elf.SectionFlag
	Data       []byte
	Size       uint64 // of a section without data, bytes
	Align      uint64 // bytes, 0 for 8
	Link, Info uint32
	Entry      uint64
	Relocs     []Reloc // of this section
}

// Symbol is one entry of the symbol table.
type Symbol struct {
	Name    string
	Value   uint64
	Size    uint64
	Section int // index, or SHN_COMMON
	Type    elf.SymType
	Bind    elf.SymBind
	Hidden  bool
}

// Reloc points at a symbol by its place among the locals or the globals.
type Reloc struct {
	Off    uint64
	Symbol int
	Local  bool
	Type   uint32
}

// New returns an empty image.
func New(order btfwire.ByteOrder) *Image {
	return &Image{order: order, Sections: make([]Section, 1, 16), strings: make([]byte, 1, 512)}
}

// Add adds a section and returns its index.
func (img *Image) Add(s Section) int {
	img.Sections = append(img.Sections, s)
	return len(img.Sections) - 1
}

// Local adds a local symbol and returns its place among them.
func (img *Image) Local(s Symbol) int {
	s.Bind = elf.STB_LOCAL
	img.locals = append(img.locals, s)
	return len(img.locals) - 1
}

// Global adds a global or weak symbol and returns its place among them.
func (img *Image) Global(s Symbol) int {
	img.globals = append(img.globals, s)
	return len(img.globals) - 1
}

// Bytes writes the object: header, the sections' data, the section headers.
func (img *Image) Bytes() []byte {
	img.addRelocs()
	img.addSymbols()
	size := HeaderSize
	for i := range img.Sections {
		size += len(img.Sections[i].Data) + 8 + SectionSize + len(img.Sections[i].Name) + 1
	}
	out := make([]byte, HeaderSize, size)
	names := make([]uint32, len(img.Sections))
	for i := range img.Sections {
		names[i] = img.string(img.Sections[i].Name)
	}
	img.Sections[len(img.Sections)-1].Data = img.strings
	offsets := make([]int, len(img.Sections))
	for i := range img.Sections {
		out = append(out, make([]byte, -len(out)&7)...)
		offsets[i] = len(out)
		out = append(out, img.Sections[i].Data...)
	}
	out = append(out, make([]byte, -len(out)&7)...)
	img.header(out[:HeaderSize], len(out))
	for i := range img.Sections {
		out = img.Sections[i].append(out, img.order, names[i], offsets[i])
	}
	return out
}

func (img *Image) header(b []byte, shoff int) {
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	b[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if img.order.Uint16([]byte{0, 1}) == 1 {
		b[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	b[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	img.order.PutUint16(b[16:], uint16(elf.ET_REL))
	img.order.PutUint16(b[18:], uint16(elf.EM_BPF))
	img.order.PutUint32(b[20:], uint32(elf.EV_CURRENT))
	img.order.PutUint64(b[40:], uint64(shoff))
	img.order.PutUint16(b[52:], HeaderSize)
	img.order.PutUint16(b[58:], SectionSize)
	img.order.PutUint16(b[60:], uint16(len(img.Sections)))
	img.order.PutUint16(b[62:], uint16(len(img.Sections)-1))
}

// append writes the section's header.
func (s *Section) append(b []byte, order btfwire.ByteOrder, name uint32, offset int) []byte {
	size := s.Size
	if s.Data != nil {
		size = uint64(len(s.Data))
	}
	b = order.AppendUint32(b, name)
	b = order.AppendUint32(b, uint32(s.Type))
	b = order.AppendUint64(b, uint64(s.Flags))
	b = order.AppendUint64(b, 0)
	b = order.AppendUint64(b, uint64(offset))
	b = order.AppendUint64(b, size)
	b = order.AppendUint32(b, s.Link)
	b = order.AppendUint32(b, s.Info)
	align := s.Align
	if align == 0 {
		align = 8
	}
	b = order.AppendUint64(b, align)
	return order.AppendUint64(b, s.Entry)
}

// addRelocs writes the relocations of each section into a section of their own.
func (img *Image) addRelocs() {
	n := len(img.Sections)
	for i := 1; i < n; i++ {
		if len(img.Sections[i].Relocs) == 0 {
			continue
		}
		var b []byte
		for _, r := range img.Sections[i].Relocs {
			sym := 1 + r.Symbol
			if !r.Local {
				sym += len(img.locals)
			}
			b = img.order.AppendUint64(b, r.Off)
			b = img.order.AppendUint64(b, uint64(sym)<<32|uint64(r.Type))
		}
		img.Add(Section{Name: ".rel" + img.Sections[i].Name, Type: elf.SHT_REL, Data: b, Info: uint32(i), Entry: RelSize})
	}
}

// addSymbols writes the symbol table, and the section of all strings as the last one.
func (img *Image) addSymbols() {
	b := make([]byte, SymbolSize, SymbolSize*(1+len(img.locals)+len(img.globals)))
	for _, s := range slices.Concat(img.locals, img.globals) {
		b = img.order.AppendUint32(b, img.string(s.Name))
		b = append(b, elf.ST_INFO(s.Bind, s.Type), visibility(s))
		b = img.order.AppendUint16(b, uint16(s.Section))
		b = img.order.AppendUint64(b, s.Value)
		b = img.order.AppendUint64(b, s.Size)
	}
	symtab := img.Add(Section{Name: ".symtab", Type: elf.SHT_SYMTAB, Data: b, Info: uint32(1 + len(img.locals)), Entry: SymbolSize})
	strtab := img.Add(Section{Name: ".strtab", Type: elf.SHT_STRTAB})
	for i := range img.Sections {
		if t := img.Sections[i].Type; t == elf.SHT_REL {
			img.Sections[i].Link = uint32(symtab)
		}
	}
	img.Sections[symtab].Link = uint32(strtab)
}

// string adds a string to the string table and returns its offset.
func (img *Image) string(s string) uint32 {
	if s == "" {
		return 0
	}
	off := uint32(len(img.strings))
	img.strings = append(append(img.strings, s...), 0)
	return off
}

func visibility(s Symbol) byte {
	if s.Hidden {
		return byte(elf.STV_HIDDEN)
	}
	return byte(elf.STV_DEFAULT)
}

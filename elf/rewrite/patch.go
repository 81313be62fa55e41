package rewrite

import (
	"cmp"
	stdelf "debug/elf"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// patch is an object to be written anew. Its sections and symbols have the numbers that
// they had in the old one.
type patch struct {
	order    btfwire.ByteOrder
	sections []section // new ones at the end
	symbols  []image.Symbol
}

// section is one of a patch.
type section struct {
	image.Section
	relocs []elf.Relocation
	left   bool // out of the new object
}

// newPatch copies an object. What has symbols by number and is for linkers only, such as
// the addresses that matter to them, is left out.
func newPatch(s *source) (*patch, error) {
	p := &patch{order: s.order, sections: make([]section, len(s.sections))}
	symtab, size := 0, 0
	for i := range s.sections {
		if s.sections[i].Type == stdelf.SHT_SYMTAB && symtab == 0 {
			symtab = i
		}
	}
	for i, from := range s.sections {
		to := &p.sections[i]
		switch from.Type {
		case stdelf.SHT_NULL, stdelf.SHT_SYMTAB, stdelf.SHT_STRTAB, stdelf.SHT_REL, stdelf.SHT_RELA:
			to.left = true
			continue
		}
		if to.left = from.Link == symtab && from.Type != stdelf.SHT_PROGBITS; to.left {
			continue
		}
		if err := s.copySection(to, from); err != nil {
			return nil, err
		}
		if size += len(to.Data); size > s.o.Size() {
			return nil, &elf.FormatError{Section: from.Name, Msg: "overlaps with other sections"}
		}
	}
	for _, sym := range s.symbols {
		p.symbols = append(p.symbols, image.Symbol{
			Name: sym.Name, Value: sym.Value, Size: sym.Size, Section: sym.Section, Type: sym.Type, Bind: sym.Binding, Hidden: sym.Hidden,
		})
	}
	return p, nil
}

func (s *source) copySection(to *section, from elf.Section) (err error) {
	to.Section = image.Section{
		Name: from.Name, Type: from.Type, Flags: from.Flags, Size: from.Size, Align: max(from.Align, 1), Entry: from.EntrySize,
	}
	if from.Type != stdelf.SHT_NOBITS {
		from.Flags &^= stdelf.SHF_COMPRESSED // as it is
		if to.Data, err = s.o.Data(from); err != nil {
			return err
		}
	}
	to.relocs, err = s.o.Relocations(from)
	return err
}

// drop leaves a section out.
func (p *patch) drop(index int) { p.sections[index] = section{left: true} }

// setData gives a section new bytes; index 0 is a new section.
func (p *patch) setData(index int, name string, b []byte) {
	if index == 0 {
		index = len(p.sections)
		p.sections = append(p.sections, section{})
	}
	s := &p.sections[index]
	s.left, s.Name, s.Type, s.Data = false, name, stdelf.SHT_PROGBITS, b
	if name == ".maps" {
		s.Flags, s.Align = stdelf.SHF_ALLOC|stdelf.SHF_WRITE, 8
	}
}

// relocAddress is R_BPF_64_ABS64, LLVM's include/llvm/BinaryFormat/ELFRelocs/BPF.def.
const relocAddress = 2

// retarget makes the relocation at an offset of a section one of another symbol.
func (p *patch) retarget(section int, off uint64, symbol int) {
	relocs := p.sections[section].relocs // in order
	i, _ := slices.BinarySearchFunc(relocs, off, func(r elf.Relocation, off uint64) int { return cmp.Compare(r.Offset, off) })
	for ; i < len(relocs) && relocs[i].Offset == off; i++ {
		relocs[i].Symbol = symbol
	}
}

// moveSymbol places a symbol, and makes it global.
func (p *patch) moveSymbol(index, section, off, size int) {
	s := &p.symbols[index]
	s.Type, s.Bind = stdelf.STT_OBJECT, stdelf.STB_GLOBAL
	s.Section, s.Value, s.Size = section, uint64(off), uint64(size)
}

// export makes a symbol global, and a function of one without a type.
func (p *patch) export(index int) {
	s := &p.symbols[index]
	s.Bind = stdelf.STB_GLOBAL
	if s.Type == stdelf.STT_NOTYPE {
		s.Type = stdelf.STT_FUNC
	}
}

// bytes writes the object.
func (p *patch) bytes() []byte {
	img := image.New(p.order)
	numbers := make([]int, len(p.sections))
	for i := range p.sections {
		if !p.sections[i].left {
			numbers[i] = img.Add(p.sections[i].Section)
		}
	}
	places := make([]int, len(p.symbols))
	for i, s := range p.symbols[1:] {
		if s.Section < len(numbers) { // not SHN_ABS and the like
			s.Section = numbers[s.Section]
		}
		if s.Bind == stdelf.STB_LOCAL {
			places[i+1] = img.Local(s)
		} else {
			places[i+1] = img.Global(s)
		}
	}
	for i := range p.sections {
		for _, r := range p.sections[i].relocs {
			to := &img.Sections[numbers[i]]
			to.Relocs = append(to.Relocs, image.Reloc{
				Off: r.Offset, Type: r.Type, Symbol: places[r.Symbol], Local: p.symbols[r.Symbol].Bind == stdelf.STB_LOCAL,
			})
		}
	}
	return img.Bytes()
}

package rewrite

import (
	stdelf "debug/elf"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// source is the object that another one is made of.
type source struct {
	o        *elf.Object
	order    btfwire.ByteOrder
	sections []elf.Section
	symbols  []elf.Symbol
}

func newSource(o *elf.Object) *source {
	order := o.ByteOrder().(btfwire.ByteOrder) // as both are
	return &source{o: o, order: order, sections: o.Sections(), symbols: o.Symbols()}
}

// section returns the first section with the name, or nil.
func (s *source) section(name string) *elf.Section {
	for i := range s.sections {
		if s.sections[i].Name == name {
			return &s.sections[i]
		}
	}
	return nil
}

// codeRelocations calls f with each relocation of each section of code, until
// it returns an error.
func (s *source) codeRelocations(f func(*elf.Section, elf.Relocation) error) error {
	for i := range s.sections {
		sec := &s.sections[i]
		if !sec.Executable() {
			continue
		}
		relocs, err := s.o.Relocations(*sec)
		if err != nil {
			return err
		}
		for _, r := range relocs {
			if err := f(sec, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// mapSymbol is what tells the symbols of maps apart.
type mapSymbol struct {
	section, name string
	off           uint64
}

// mapSymbols returns the number of the first symbol of each map.
func (s *source) mapSymbols() map[mapSymbol]int {
	index := make(map[mapSymbol]int)
	for i, sym := range slices.Backward(s.symbols) {
		if sym.Section < len(s.sections) && (s.sections[sym.Section].LegacyMaps() || s.sections[sym.Section].BTFMaps()) {
			index[mapSymbol{s.sections[sym.Section].Name, sym.Name, sym.Value}] = i
		}
	}
	return index
}

// functionSymbols returns the number of the first symbol of each name of a function. Old
// LLVM gives functions no type; jump labels are local and have none either.
func (s *source) functionSymbols() map[string]int {
	index := make(map[string]int)
	for i, sym := range slices.Backward(s.symbols) {
		if sym.Type != stdelf.STT_FUNC && (sym.Type != stdelf.STT_NOTYPE || sym.Binding == stdelf.STB_LOCAL) {
			continue
		}
		if sym.Section < len(s.sections) && s.sections[sym.Section].Executable() && sym.Value < s.sections[sym.Section].Size {
			index[sym.Name] = i
		}
	}
	return index
}

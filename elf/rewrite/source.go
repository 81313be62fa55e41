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

// symbolOf returns the number of a map's symbol, -1 for variables.
func (s *source) symbolOf(m *elf.Map) int {
	return slices.IndexFunc(s.symbols, func(sym elf.Symbol) bool {
		return m.Style != elf.StyleData && sym.Name == m.Name && sym.Value == m.Offset &&
			sym.Section < len(s.sections) && s.sections[sym.Section].Name == m.Section
	})
}

// names reports whether a symbol names a function. Old LLVM gives functions no type;
// jump labels are local and have none either.
func (s *source) names(sym elf.Symbol) bool {
	if sym.Type != stdelf.STT_FUNC && (sym.Type != stdelf.STT_NOTYPE || sym.Binding == stdelf.STB_LOCAL) {
		return false
	}
	return sym.Section < len(s.sections) && s.sections[sym.Section].Executable() && sym.Value < s.sections[sym.Section].Size
}

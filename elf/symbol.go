package elf

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/elf/internal/image"
)

// symbol is one entry of the symbol table.
type symbol struct {
	name    string
	value   uint64 // bytes from the start of the section
	size    uint64 // 0 when the compiler gave none, as LLVM up to 7 did
	section elf.SectionIndex
	typ     elf.SymType
	bind    elf.SymBind
	hidden  bool
}

// parseSymbols reads the symbol table. An entry is 24 bytes whatever
// sh_entsize says, which some tools leave 0. Names are slices of one string.
func (o *Object) parseSymbols() error {
	i := slices.IndexFunc(o.sections, func(s Section) bool { return s.Type == elf.SHT_SYMTAB })
	if i < 0 {
		return &FormatError{Msg: "no symbol table: the object is stripped; strip it with -g, which leaves the symbols"}
	}
	symtab := &o.sections[i]
	b, err := sectionData(o.image, symtab)
	if err != nil {
		return err
	}
	if symtab.Link >= len(o.sections) {
		return &FormatError{Section: symtab.Name, Msg: fmt.Sprintf("no section %d for the names", symtab.Link)}
	}
	data, err := sectionData(o.image, &o.sections[symtab.Link])
	if err != nil {
		return err
	}
	names := string(data)
	o.symbols = make([]symbol, len(b)/image.SymbolSize)
	for i := range o.symbols {
		e := b[i*image.SymbolSize:]
		name, ok := tableString(names, o.order.Uint32(e))
		if !ok {
			return &FormatError{Section: symtab.Name, Offset: int64(i * image.SymbolSize), Msg: "a symbol without a name in the string table"}
		}
		o.symbols[i] = symbol{
			name:    name,
			value:   o.order.Uint64(e[8:]),
			size:    o.order.Uint64(e[16:]),
			section: elf.SectionIndex(o.order.Uint16(e[6:])),
			typ:     elf.ST_TYPE(e[4]),
			bind:    elf.ST_BIND(e[4]),
			hidden:  elf.ST_VISIBILITY(e[5]) == elf.STV_HIDDEN || elf.ST_VISIBILITY(e[5]) == elf.STV_INTERNAL,
		}
	}
	return nil
}

// function is a piece of an executable section that a symbol names.
type function struct {
	name    string
	section *Section
	start   uint64 // bytes from the start of the section
	size    uint64 // bytes
	static  bool
}

func (f *function) end() uint64 { return f.start + f.size }

// findFunctions lists the functions of all executable sections in file order.
func (o *Object) findFunctions() {
	for i := range o.symbols {
		s := &o.symbols[i]
		if sec := o.functionSection(s); sec != nil {
			o.funcs = append(o.funcs, function{s.name, sec, s.value, s.size, s.bind == elf.STB_LOCAL})
		}
	}
	slices.SortStableFunc(o.funcs, func(a, b function) int {
		return cmp.Or(
			cmp.Compare(a.section.Index, b.section.Index),
			cmp.Compare(a.start, b.start),
			compareBool(a.static, b.static), // of two names for one place the global one counts
		)
	})
	o.funcs = slices.CompactFunc(o.funcs, func(a, b function) bool {
		return a.section == b.section && a.start == b.start
	})
	o.nameBareSections()
	o.sizeFunctions()
}

// functionSection returns the section of a symbol that names a function, or nil.
// Old LLVM gives functions no type; jump labels are local and have none either.
func (o *Object) functionSection(s *symbol) *Section {
	if s.name == "" || int(s.section) >= len(o.sections) {
		return nil
	}
	if s.typ != elf.STT_FUNC && (s.typ != elf.STT_NOTYPE || s.bind == elf.STB_LOCAL) {
		return nil
	}
	sec := &o.sections[s.section]
	if !sec.Executable() || s.value >= sec.Size {
		return nil
	}
	return sec
}

// nameBareSections makes an executable section without any function symbol,
// as assemblers leave it, one function that is named after the section.
func (o *Object) nameBareSections() {
	var bare []function
	for i := range o.sections {
		sec := &o.sections[i]
		if sec.Executable() && len(o.sectionFunctions(sec)) == 0 {
			bare = append(bare, function{name: identifier(sec.Name), section: sec, size: sec.Size})
		}
	}
	if len(bare) == 0 {
		return
	}
	o.funcs = append(o.funcs, bare...)
	slices.SortStableFunc(o.funcs, func(a, b function) int { return cmp.Compare(a.section.Index, b.section.Index) })
}

// sizeFunctions lets a function whose symbol has no size reach to the next one.
func (o *Object) sizeFunctions() {
	for i := range o.funcs {
		f := &o.funcs[i]
		if f.size != 0 {
			continue
		}
		end := f.section.Size
		if i+1 < len(o.funcs) && o.funcs[i+1].section == f.section {
			end = o.funcs[i+1].start
		}
		f.size = end - f.start
	}
}

// sectionFunctions returns the functions of one section in order.
func (o *Object) sectionFunctions(sec *Section) []function {
	lo, _ := slices.BinarySearchFunc(o.funcs, sec.Index, func(f function, i int) int { return cmp.Compare(f.section.Index, i) })
	hi, _ := slices.BinarySearchFunc(o.funcs, sec.Index+1, func(f function, i int) int { return cmp.Compare(f.section.Index, i) })
	return o.funcs[lo:hi]
}

// functionAt returns the function that starts at off, or nil.
func (o *Object) functionAt(sec *Section, off uint64) *function {
	funcs := o.sectionFunctions(sec)
	i, ok := slices.BinarySearchFunc(funcs, off, func(f function, off uint64) int { return cmp.Compare(f.start, off) })
	if !ok {
		return nil
	}
	return &funcs[i]
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// identifier makes a name that the kernel accepts for a program.
func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}

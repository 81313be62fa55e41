package elf

import (
	"cmp"
	"debug/elf"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/elf/internal/image"
)

// Symbol is one entry of the symbol table (Elf64_Sym of the ELF specification).
type Symbol struct {
	Name    string
	Section int    // index; 0 when undefined, from SHN_LORESERVE on a special one such as SHN_COMMON
	Value   uint64 // bytes from the start of the section
	Size    uint64 // bytes; 0 when the compiler gave none, as LLVM up to 7 did
	Type    elf.SymType
	Binding elf.SymBind
	Hidden  bool
}

// Symbols returns the symbol table in file order; the first entry is empty. The caller may keep the slice.
func (o *Object) Symbols() []Symbol { return slices.Clone(o.symbols) }

// parseSymbols reads the symbol table. An entry is 24 bytes whatever
// sh_entsize says, which some tools leave 0. Names are slices of one string.
func (o *Object) parseSymbols() error {
	i := slices.IndexFunc(o.sections, func(s Section) bool { return s.Type == elf.SHT_SYMTAB })
	written := func(s Section) bool { return s.Type != elf.SHT_NULL }
	switch {
	case i >= 0:
	case len(o.sections) > 1 && !slices.ContainsFunc(o.sections, written):
		return faultIn("", 0, "all %d section headers are zero: the end of the file was never written", len(o.sections))
	default:
		return faultIn("", 0, "no symbol table: the object is stripped; strip it with -g, which leaves the symbols")
	}
	symtab := &o.sections[i]
	b, err := sectionData(o.image, symtab)
	if err != nil {
		return err
	}
	if symtab.Link >= len(o.sections) {
		return faultIn(symtab.Name, 0, "no section %d for the names", symtab.Link)
	}
	data, err := sectionData(o.image, &o.sections[symtab.Link])
	if err != nil {
		return err
	}
	names := string(data)
	o.symbols = make([]Symbol, len(b)/image.SymbolSize)
	for i := range o.symbols {
		e := b[i*image.SymbolSize:]
		name, ok := tableString(names, o.order.Uint32(e))
		if !ok {
			return faultIn(symtab.Name, uint64(i*image.SymbolSize), "a symbol without a name in the string table")
		}
		visibility := elf.ST_VISIBILITY(e[5])
		o.symbols[i] = Symbol{
			Name:    name,
			Section: int(o.order.Uint16(e[6:])),
			Value:   o.order.Uint64(e[8:]),
			Size:    o.order.Uint64(e[16:]),
			Type:    elf.ST_TYPE(e[4]),
			Binding: elf.ST_BIND(e[4]),
			Hidden:  visibility == elf.STV_HIDDEN || visibility == elf.STV_INTERNAL,
		}
	}
	return nil
}

// part is a piece of a section that a symbol names: a function, or the definition of a map.
type part struct {
	name    string
	section *Section
	start   uint64 // bytes from the start of the section
	size    uint64 // bytes
	static  bool
	excess  bool // the parts before it have more bytes than a file can hold, unless they overlap
}

func (p *part) end() uint64 { return p.start + p.size }

// parts lists those that the named symbols are for which is true, by section and offset;
// of two names for one place the global one counts.
func (o *Object) parts(is func(*Symbol, *Section) bool) (list []part) {
	for i := range o.symbols {
		s := &o.symbols[i]
		if s.Name == "" || s.Section >= len(o.sections) {
			continue
		}
		if sec := &o.sections[s.Section]; s.Value < sec.Size && is(s, sec) {
			list = append(list, part{name: s.Name, section: sec, start: s.Value, size: s.Size, static: s.Binding == elf.STB_LOCAL})
		}
	}
	slices.SortStableFunc(list, func(a, b part) int {
		return cmp.Or(comparePlaces(&a, b.section, b.start), compareBool(a.static, b.static))
	})
	return slices.CompactFunc(list, func(a, b part) bool { return a.section == b.section && a.start == b.start })
}

func comparePlaces(a *part, sec *Section, off uint64) int {
	return cmp.Or(cmp.Compare(a.section.Index, sec.Index), cmp.Compare(a.start, off))
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

// sizeParts lets a part whose symbol has no size reach to the next one.
func sizeParts(list []part) {
	for i := range list {
		p := &list[i]
		if p.size != 0 {
			continue
		}
		end := p.section.Size
		if i+1 < len(list) && list[i+1].section == p.section {
			end = list[i+1].start
		}
		p.size = end - p.start
	}
}

// partAt returns the part that starts at off, or nil.
func partAt(list []part, sec *Section, off uint64) *part {
	i, ok := slices.BinarySearchFunc(list, off, func(p part, off uint64) int { return comparePlaces(&p, sec, off) })
	if !ok {
		return nil
	}
	return &list[i]
}

// maxShared bounds how often the bytes of a file are read as instructions.
const maxShared = 4

// findFunctions lists the functions of all executable sections in file order.
// Old LLVM gives functions no type; jump labels are local and have none either.
func (o *Object) findFunctions() {
	o.funcs = o.parts(func(s *Symbol, sec *Section) bool {
		return sec.Executable() && (s.Type == elf.STT_FUNC || s.Type == elf.STT_NOTYPE && s.Binding != elf.STB_LOCAL)
	})
	o.nameBareSections()
	sizeParts(o.funcs)
	// A label within a function is one too. What overlaps more than that would be read for ever.
	total, room := uint64(0), maxShared*uint64(len(o.image))
	for i := range o.funcs {
		f := &o.funcs[i]
		total += min(f.size, f.section.Size, room)
		f.excess = total > room
	}
}

// nameBareSections makes an executable section without any function symbol,
// as assemblers leave it, one function that is named after the section.
func (o *Object) nameBareSections() {
	var bare []part
	for i := range o.sections {
		sec := &o.sections[i]
		if sec.Executable() && len(o.sectionFunctions(sec)) == 0 {
			bare = append(bare, part{name: identifier(sec.Name), section: sec})
		}
	}
	if len(bare) > 0 {
		o.funcs = append(o.funcs, bare...)
		slices.SortStableFunc(o.funcs, func(a, b part) int { return cmp.Compare(a.section.Index, b.section.Index) })
	}
}

// sectionFunctions returns the functions of one section in order.
func (o *Object) sectionFunctions(sec *Section) []part {
	from := func(index int) int {
		i, _ := slices.BinarySearchFunc(o.funcs, index, func(f part, i int) int { return cmp.Compare(f.section.Index, i) })
		return i
	}
	return o.funcs[from(sec.Index):from(sec.Index+1)]
}

// functionAt returns the function that starts at off, or nil.
func (o *Object) functionAt(sec *Section, off uint64) *part { return partAt(o.funcs, sec, off) }

// identifier makes a name that the kernel accepts for a program.
func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}

// firstGlobal prefers a function that the compiler exported: a static one
// beside it is its helper.
func firstGlobal(funcs []*part) *part {
	if i := slices.IndexFunc(funcs, func(f *part) bool { return !f.static }); i >= 0 {
		return funcs[i]
	}
	return funcs[0]
}

package elf

import (
	"cmp"
	"debug/elf"
	"slices"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Relocation says that an instruction or a value depends on a symbol (Elf64_Rel
// of the ELF specification).
type Relocation struct {
	Offset uint64 // bytes from the start of the section
	Type   uint32 // R_BPF_64_64 and so on, LLVM's ELFRelocs/BPF.def
	Symbol int    // index in Symbols
}

// Relocations returns the relocations of a section of this object by offset. The error is a [*FormatError].
func (o *Object) Relocations(s Section) ([]Relocation, error) {
	if s.Index < 0 || s.Index >= len(o.sections) {
		return nil, o.fault(faultIn("", 0, "no section %d", s.Index))
	}
	relocs, err := o.relocations(&o.sections[s.Index])
	return slices.Clone(relocs), o.fault(err)
}

// typeRelAddend is the section type of relocations that carry their addends.
const typeRelAddend elf.SectionType = 4

// findRelocs indexes the relocation sections by the section that they are about.
func (o *Object) findRelocs() map[int][]int {
	index := make(map[int][]int)
	for i := range o.sections {
		if s := &o.sections[i]; s.Type == elf.SHT_REL || s.Type == typeRelAddend {
			index[s.Info] = append(index[s.Info], i)
		}
	}
	return index
}

// relocTable keeps the relocations of the sections that somebody asked for.
type relocTable struct {
	mu    sync.Mutex
	known map[*Section][]Relocation
	total int
}

// relocations returns the relocations of a section by offset. The slice is shared.
func (o *Object) relocations(sec *Section) ([]Relocation, error) {
	t := &o.relocs
	t.mu.Lock()
	defer t.mu.Unlock()
	if relocs, ok := t.known[sec]; ok {
		return relocs, nil
	}
	var relocs []Relocation
	for _, i := range o.relocIndex()[sec.Index] {
		more, err := o.readRelocs(&o.sections[i])
		if err != nil {
			return nil, err
		}
		relocs = append(relocs, more...)
		if t.total += len(more); t.total > len(o.image)/image.RelSize {
			return nil, faultIn(o.sections[i].Name, 0, "overlaps with other relocations")
		}
	}
	byOffset := func(a, b Relocation) int { return cmp.Compare(a.Offset, b.Offset) }
	if !slices.IsSortedFunc(relocs, byOffset) {
		slices.SortStableFunc(relocs, byOffset)
	}
	if t.known == nil {
		t.known = make(map[*Section][]Relocation)
	}
	t.known[sec] = relocs
	return relocs, nil
}

func (o *Object) readRelocs(sec *Section) ([]Relocation, error) {
	if sec.Type == typeRelAddend {
		return nil, faultIn(sec.Name, 0, "relocations with addends, which no BPF compiler makes")
	}
	b, err := sectionData(o.image, sec)
	if err != nil {
		return nil, err
	}
	relocs := make([]Relocation, len(b)/image.RelSize)
	for i := range relocs {
		e := b[i*image.RelSize:]
		info := o.order.Uint64(e[8:])
		n := elf.R_SYM64(info)
		if n == 0 || int(n) >= len(o.symbols) {
			return nil, faultIn(sec.Name, uint64(i*image.RelSize), "no symbol %d", n)
		}
		relocs[i] = Relocation{o.order.Uint64(e), elf.R_TYPE64(info), int(n)}
	}
	return relocs, nil
}

// within returns the relocations at offsets from start to before end.
func within(relocs []Relocation, start, end uint64) []Relocation {
	return between(relocs, start, end, func(r Relocation) uint64 { return r.Offset })
}

// between returns the part of a list, by offset, from start to before end.
func between[T any](list []T, start, end uint64, offset func(T) uint64) []T {
	at := func(e T, off uint64) int { return cmp.Compare(offset(e), off) }
	lo, _ := slices.BinarySearchFunc(list, start, at)
	hi, _ := slices.BinarySearchFunc(list, end, at)
	return list[lo:max(lo, hi)]
}

// target is what a relocation points at. At most one of the pointers is set.
type target struct {
	fn     *part
	m      *part
	data   *Section // with offset
	common *Symbol  // with offset
	extern *Symbol
	offset uint64
}

// resolve finds what lies addend bytes after a symbol. The addend matters
// most for the symbol of a whole section, which stands for static functions and variables.
func (o *Object) resolve(symbol int, addend uint64) (target, error) {
	sym := &o.symbols[symbol]
	switch {
	case sym.Section == int(elf.SHN_UNDEF):
		return target{extern: sym}, nil
	case sym.Section == int(elf.SHN_COMMON):
		return target{common: sym, offset: addend}, nil
	case sym.Section >= len(o.sections):
		return target{}, naming.Errorf("symbol %q is in no section", sym.Name)
	}
	sec := &o.sections[sym.Section]
	off := sym.Value + addend
	switch {
	case sec.Executable():
		if f := o.functionAt(sec, off); f != nil {
			return target{fn: f}, nil
		}
		return target{}, naming.Errorf("no function starts at byte %#x of section %q", off, sec.Name)
	case sec.LegacyMaps(), sec.BTFMaps():
		if m := partAt(o.mapParts(), sec, off); m != nil {
			return target{m: m}, nil
		}
		return target{}, naming.Errorf("no map starts at byte %#x of section %q", off, sec.Name)
	case sec.data():
		return target{data: sec, offset: off}, nil
	}
	if lower := strings.ToLower(sec.Name); strings.HasPrefix(strings.TrimPrefix(lower, "."), "map") {
		return target{}, naming.Errorf("a reference to section %q: maps are in sections maps and .maps", sec.Name)
	}
	return target{}, naming.Errorf("a reference to section %q, which programs cannot refer to", sec.Name)
}

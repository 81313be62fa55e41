package elf

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"sync"

	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// reloc says that the value at an offset of a section depends on a symbol.
type reloc struct {
	off uint64 // bytes from the start of the section
	sym *symbol
	typ uint32 // R_BPF_*

	index int // of the symbol
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
	known map[*Section][]reloc
	total int
}

// relocations returns the relocations of a section by offset. The slice is shared.
func (o *Object) relocations(sec *Section) ([]reloc, error) {
	t := &o.relocs
	t.mu.Lock()
	defer t.mu.Unlock()
	if relocs, ok := t.known[sec]; ok {
		return relocs, nil
	}
	var relocs []reloc
	for _, i := range o.relocIndex()[sec.Index] {
		more, err := o.readRelocs(&o.sections[i])
		if err != nil {
			return nil, err
		}
		relocs = append(relocs, more...)
		if t.total += len(more); t.total > len(o.image)/image.RelSize {
			return nil, &FormatError{Section: o.sections[i].Name, Msg: "overlaps with other relocations"}
		}
	}
	byOffset := func(a, b reloc) int { return cmp.Compare(a.off, b.off) }
	if !slices.IsSortedFunc(relocs, byOffset) {
		slices.SortStableFunc(relocs, byOffset)
	}
	if t.known == nil {
		t.known = make(map[*Section][]reloc)
	}
	t.known[sec] = relocs
	return relocs, nil
}

func (o *Object) readRelocs(sec *Section) ([]reloc, error) {
	if sec.Type == typeRelAddend {
		return nil, &FormatError{Section: sec.Name, Msg: "relocations with addends, which no BPF compiler makes"}
	}
	b, err := sectionData(o.image, sec)
	if err != nil {
		return nil, err
	}
	relocs := make([]reloc, len(b)/image.RelSize)
	for i := range relocs {
		e := b[i*image.RelSize:]
		n := elf.R_SYM64(o.order.Uint64(e[8:]))
		if n == 0 || int(n) >= len(o.symbols) {
			return nil, &FormatError{Section: sec.Name, Offset: int64(i * image.RelSize), Msg: fmt.Sprintf("no symbol %d", n)}
		}
		relocs[i] = reloc{o.order.Uint64(e), &o.symbols[n], elf.R_TYPE64(o.order.Uint64(e[8:])), int(n)}
	}
	return relocs, nil
}

// within returns the relocations at offsets from start to before end.
func within(relocs []reloc, start, end uint64) []reloc {
	at := func(r reloc, off uint64) int { return cmp.Compare(r.off, off) }
	lo, _ := slices.BinarySearchFunc(relocs, start, at)
	hi, _ := slices.BinarySearchFunc(relocs, end, at)
	return relocs[lo:max(lo, hi)]
}

// target is what a relocation points at. Exactly one of the pointers is set.
type target struct {
	fn     *function
	m      *mapSymbol
	data   *Section // with offset
	common *symbol  // with offset
	extern *symbol
	offset uint64
}

// resolve finds what lies addend bytes after a symbol. The addend matters
// most for the symbol of a whole section, which stands for static functions and variables.
func (o *Object) resolve(sym *symbol, addend uint64) (target, error) {
	switch {
	case sym.section == elf.SHN_UNDEF:
		return target{extern: sym}, nil
	case sym.section == elf.SHN_COMMON:
		return target{common: sym, offset: addend}, nil
	case int(sym.section) >= len(o.sections):
		return target{}, fmt.Errorf("symbol %q is in no section", naming.Clip(sym.name))
	}
	sec := &o.sections[sym.section]
	off := sym.value + addend
	switch {
	case sec.Executable():
		if f := o.functionAt(sec, off); f != nil {
			return target{fn: f}, nil
		}
		return target{}, fmt.Errorf("no function starts at byte %#x of section %q", off, naming.Clip(sec.Name))
	case sec.LegacyMaps(), sec.BTFMaps():
		if m := o.mapAt(sec, off); m != nil {
			return target{m: m}, nil
		}
		return target{}, fmt.Errorf("no map starts at byte %#x of section %q", off, naming.Clip(sec.Name))
	case sec.data():
		return target{data: sec, offset: off}, nil
	}
	return target{}, fmt.Errorf("a reference to section %q, which programs cannot refer to", naming.Clip(sec.Name))
}

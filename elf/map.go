package elf

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Map is a map that an object defines.
type Map struct {
	Name    string // the symbol's name; the section's for global variables
	Section string
	Offset  uint64 // of its definition, bytes from the start of the section
	Style   MapStyle

	Type       ebpf.MapType
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32 // BPF_F_*, include/uapi/linux/bpf.h
	Extra      uint64 // map_extra, meaning depends on Type
	NumaNode   uint32 // counts with BPF_F_NUMA_NODE
	Pinning    Pinning

	// Key and Value are the types of an entry, nil when the object does not say.
	Key, Value btf.Type

	// What struct bpf_elf_map says, 0 in other styles. ID is the object's own
	// number for the map: "ID/KEY" sections and InnerID of outer maps name it.
	// InnerIndex is the key at which an inner map goes into its
	// outer maps, -1 for a map that is only their template.
	ID, InnerID uint32
	InnerIndex  int32

	Inner    *Map   // what the maps in a map of maps are like, or nil
	Contents []Slot // what the object puts into the map, by key

	Static bool // the symbol has local binding
}

// Slot is one entry that an object puts into a program array or a map of maps.
type Slot struct {
	Key  uint32
	Name string // of the program or map
}

// MapStyle is the way in which an object defines a map.
type MapStyle int

// The styles of maps.
const (
	StyleLegacy MapStyle = iota // section "maps": struct bpf_elf_map or bpf_map_def
	StyleBTF                    // section ".maps"
	StyleData                   // global variables or constants: .data, .rodata, .bss
)

// String returns "legacy", "btf" or "data".
func (s MapStyle) String() string {
	switch s {
	case StyleLegacy:
		return "legacy"
	case StyleBTF:
		return "btf"
	case StyleData:
		return "data"
	}
	return strconv.Itoa(int(s))
}

// MarshalText returns what String does.
func (s MapStyle) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Maps returns the maps of the object: by section in file order, and by offset in
// the section. The error joins a [*FormatError] for each map that cannot
// be read; the other maps are returned with it. The caller may keep the slice, but the
// BTF types in it are shared and must not be changed.
func (o *Object) Maps() ([]Map, error) {
	maps, err := o.mapDefs()
	return slices.Clone(maps), err
}

// Map returns the map called name. It is a cheaper way to one map than Maps. The error is a [*FormatError].
func (o *Object) Map(name string) (Map, error) {
	if err := o.checkMapCount(); err != nil {
		return Map{}, o.fault(err)
	}
	syms := o.mapSymbols()
	if i := slices.IndexFunc(syms, func(m mapSymbol) bool { return m.name == name }); i >= 0 {
		m, err := o.readMap(&syms[i])
		return m, o.fault(err)
	}
	for i := range o.sections {
		if s := &o.sections[i]; s.Name == name && o.usedData(s) {
			return dataMap(s), nil
		}
	}
	return Map{}, o.fault(&FormatError{Msg: fmt.Sprintf("no map %q", naming.Clip(name))})
}

func (o *Object) findMaps() ([]Map, error) {
	if err := o.checkMapCount(); err != nil {
		return nil, o.fault(err)
	}
	var maps []Map
	var errs []error
	syms := o.mapSymbols()
	for i := range o.sections {
		sec := &o.sections[i]
		if o.usedData(sec) {
			maps = append(maps, dataMap(sec))
		}
		for ; len(syms) > 0 && syms[0].section == sec; syms = syms[1:] {
			m, err := o.readMap(&syms[0])
			if err != nil {
				errs = append(errs, o.fault(err))
				continue
			}
			maps = append(maps, m)
		}
	}
	return maps, errors.Join(errs...)
}

// maxMaps bounds the maps of an object. A program can use 64 (MAX_USED_MAPS, include/linux/bpf_verifier.h).
const maxMaps = 1024

func (o *Object) checkMapCount() error {
	if n := len(o.mapSymbols()); n > maxMaps {
		return &FormatError{Msg: fmt.Sprintf("%d maps, more than the %d that are read", n, maxMaps)}
	}
	return nil
}

// readMap reads the definition of a map whose types are in the object's own BTF.
func (o *Object) readMap(sym *mapSymbol) (Map, error) {
	if sym.legacy {
		m, err := o.legacyMap(sym)
		if err != nil {
			return Map{}, err
		}
		if types, err := o.types(); err == nil {
			m.annotate(types.spec)
		}
		return o.withLegacyContents(m)
	}
	if !o.HasBTF() {
		return Map{}, noTypes(sym)
	}
	types, err := o.types()
	if err != nil {
		return Map{}, err
	}
	return o.btfMap(sym, types.spec)
}

// noTypes says why a map of section ".maps" cannot be read.
func noTypes(sym *mapSymbol) error {
	return &FormatError{
		Section: sym.section.Name, Offset: int64(sym.start),
		Msg: fmt.Sprintf("map %q: no BTF to describe it: compile with clang -g", naming.Clip(sym.name)),
	}
}

// mapSymbol is the place of a map's definition.
type mapSymbol struct {
	name    string
	section *Section
	start   uint64 // bytes from the start of the section
	size    uint64 // bytes
	static  bool
	legacy  bool
}

// findMapSymbols lists the maps of all map sections by section and offset.
func (o *Object) findMapSymbols() []mapSymbol {
	var maps []mapSymbol
	for i := range o.symbols {
		s := &o.symbols[i]
		if sec := o.mapSection(s); sec != nil {
			maps = append(maps, mapSymbol{s.name, sec, s.value, s.size, s.bind == elf.STB_LOCAL, sec.LegacyMaps()})
		}
	}
	slices.SortStableFunc(maps, func(a, b mapSymbol) int {
		return cmp.Or(
			cmp.Compare(a.section.Index, b.section.Index),
			cmp.Compare(a.start, b.start),
			compareBool(a.static, b.static),
		)
	})
	maps = slices.CompactFunc(maps, func(a, b mapSymbol) bool { return a.section == b.section && a.start == b.start })
	sizeMaps(maps)
	return maps
}

// mapSection returns the map section of a symbol that names a map, or nil.
func (o *Object) mapSection(s *symbol) *Section {
	if s.name == "" || strings.HasPrefix(s.name, ".L") || int(s.section) >= len(o.sections) {
		return nil
	}
	if s.typ != elf.STT_OBJECT && s.typ != elf.STT_NOTYPE {
		return nil
	}
	sec := &o.sections[s.section]
	if !sec.LegacyMaps() && !sec.BTFMaps() || s.value >= sec.Size {
		return nil
	}
	return sec
}

// sizeMaps lets a map whose symbol has no size reach to the next one.
func sizeMaps(maps []mapSymbol) {
	for i := range maps {
		m := &maps[i]
		if m.size != 0 {
			continue
		}
		end := m.section.Size
		if i+1 < len(maps) && maps[i+1].section == m.section {
			end = maps[i+1].start
		}
		m.size = end - m.start
	}
}

// mapAt returns the map that starts at off, or nil.
func (o *Object) mapAt(sec *Section, off uint64) *mapSymbol {
	maps := o.mapSymbols()
	i, ok := slices.BinarySearchFunc(maps, off, func(m mapSymbol, off uint64) int {
		return cmp.Or(cmp.Compare(m.section.Index, sec.Index), cmp.Compare(m.start, off))
	})
	if !ok {
		return nil
	}
	return &maps[i]
}

// usedData reports whether a section holds variables of the program: one without any named
// symbol, such as .rodata.str1.1, is the compiler's own.
func (o *Object) usedData(s *Section) bool {
	if !s.data() || s.Size == 0 {
		return false
	}
	return o.variableSections()[s.Index]
}

func (o *Object) findVariableSections() map[int]bool {
	index := make(map[int]bool)
	for _, sym := range o.symbols {
		if sym.typ == elf.STT_OBJECT && sym.name != "" {
			index[int(sym.section)] = true
		}
	}
	return index
}

func dataMap(s *Section) Map {
	m := Map{
		Name:       s.Name,
		Section:    s.Name,
		Style:      StyleData,
		Type:       ebpf.Array,
		KeySize:    4,
		ValueSize:  uint32(min(s.Size, 1<<32-1)),
		MaxEntries: 1,
	}
	if strings.HasPrefix(s.Name, ".rodata") {
		m.Flags = bpfFRdonlyProg
	}
	return m
}

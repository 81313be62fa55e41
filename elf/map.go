package elf

import (
	"debug/elf"
	"errors"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
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
func (s MapStyle) String() string { return nameOf(int(s), "legacy", "btf", "data") }

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
	syms := o.mapParts()
	if i := slices.IndexFunc(syms, func(m part) bool { return m.name == name }); i >= 0 {
		m, err := o.readMap(&syms[i])
		return m, o.fault(err)
	}
	for i := range o.sections {
		if s := &o.sections[i]; s.Name == name && o.usedData(s) {
			return dataMap(s), nil
		}
	}
	return Map{}, o.fault(faultIn("", 0, "no map %q", name))
}

func (o *Object) findMaps() ([]Map, error) {
	if err := o.checkMapCount(); err != nil {
		return nil, o.fault(err)
	}
	var maps []Map
	var errs []error
	syms := o.mapParts()
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
	if n := len(o.mapParts()); n > maxMaps {
		return faultIn("", 0, "%d maps, more than the %d that are read", n, maxMaps)
	}
	return nil
}

// readMap reads the definition of a map whose types are in the object's own BTF.
func (o *Object) readMap(sym *part) (Map, error) {
	if sym.section.LegacyMaps() {
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
func noTypes(sym *part) error {
	return faultIn(sym.section.Name, sym.start, "map %q: no BTF to describe it: compile with clang -g", sym.name)
}

// findMapParts lists the definitions of the maps of all map sections.
func (o *Object) findMapParts() []part {
	maps := o.parts(func(s *Symbol, sec *Section) bool {
		return (s.Type == elf.STT_OBJECT || s.Type == elf.STT_NOTYPE) && !strings.HasPrefix(s.Name, ".L") && (sec.LegacyMaps() || sec.BTFMaps())
	})
	sizeParts(maps)
	return maps
}

// usedData reports whether a section holds variables of the program: one without any named
// symbol, such as .rodata.str1.1, is the compiler's own.
func (o *Object) usedData(s *Section) bool {
	if !s.data() || s.Size == 0 {
		return false
	}
	return len(o.objectSymbols()[s.Index]) > 0
}

// findObjectSymbols indexes the named symbols of data by section.
func (o *Object) findObjectSymbols() map[int][]*Symbol {
	index := make(map[int][]*Symbol)
	for i := range o.symbols {
		if sym := &o.symbols[i]; sym.Type == elf.STT_OBJECT && sym.Name != "" {
			index[sym.Section] = append(index[sym.Section], sym)
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

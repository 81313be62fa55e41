package elf

import (
	"bytes"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Sizes of struct bpf_elf_map, iproute2's include/bpf_elf.h: 16 bytes are type, key,
// value and entries, 20 add flags, 28 id and pinning, 36 inner_id and
// inner_idx. The first 20 are libbpf's struct bpf_map_def too, behind which other loaders
// have fields of their own.
const (
	legacyMin    = 16
	legacyCommon = 20
	legacyMax    = 36
)

// bpfFRdonlyProg is BPF_F_RDONLY_PROG, include/uapi/linux/bpf.h.
const bpfFRdonlyProg = 1 << 7

// legacyMap reads one structure of a "maps" section, sized by its symbol.
// Fields that it is too short for are zero. One that is larger than struct bpf_elf_map is
// of another loader, and may have nothing but zeros where those differ.
func (o *Object) legacyMap(sym *part) (Map, error) {
	fail := func(format string, args ...any) (Map, error) {
		return Map{}, faultIn(sym.section.Name, sym.start, "map %q: ", sym.name).and(format, args...)
	}
	data, err := sectionData(o.image, sym.section)
	if err != nil {
		return Map{}, err
	}
	switch {
	case sym.size > uint64(len(data))-sym.start:
		return fail("%d bytes go past the end of the section", sym.size)
	case sym.size < legacyMin || sym.size%4 != 0:
		return fail("a structure of %d bytes is not a struct bpf_elf_map, which has %d to %d", sym.size, legacyMin, legacyMax)
	case sym.size > legacyMax && len(bytes.Trim(data[sym.start:][legacyCommon:sym.size], "\x00")) > 0:
		return fail("a structure of %d bytes, larger than the %d of struct bpf_elf_map, says more than its first %d", sym.size, legacyMax, legacyCommon)
	}
	var field [legacyMax / 4]uint32
	for i := range min(sym.size, legacyMax) / 4 {
		field[i] = o.order.Uint32(data[sym.start+4*i:])
	}
	return Map{
		Name:       sym.name,
		Section:    sym.section.Name,
		Offset:     sym.start,
		Style:      StyleLegacy,
		Type:       ebpf.MapType(field[0]),
		KeySize:    field[1],
		ValueSize:  field[2],
		MaxEntries: field[3],
		Flags:      field[4],
		ID:         field[5],
		Pinning:    Pinning(field[6]),
		InnerID:    field[7],
		InnerIndex: int32(field[8]),
		Static:     sym.static,
	}, nil
}

// readLegacyMaps indexes the legacy maps that have an object-local number.
func (o *Object) readLegacyMaps() map[uint32][]Map {
	index := make(map[uint32][]Map)
	for i := range o.mapParts() {
		sym := &o.mapParts()[i]
		if !sym.section.LegacyMaps() {
			continue
		}
		if m, err := o.legacyMap(sym); err == nil && m.ID != 0 {
			index[m.ID] = append(index[m.ID], m)
		}
	}
	return index
}

// withLegacyContents adds what the rest of the object puts into a legacy map, and the types of its entries.
func (o *Object) withLegacyContents(m Map) (Map, error) {
	var err error
	switch m.Type {
	case ebpf.ProgramArray:
		m.Contents, err = o.legacyTails(&m)
	case ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		err = o.legacyInner(&m)
	}
	return m, err
}

// legacyInner finds the template of a map of maps by its id, and the maps that go into it:
// all with that id, unless their inner_idx is -1.
func (o *Object) legacyInner(outer *Map) error {
	fail := func(format string, args ...any) error {
		return faultIn(outer.Section, 0, "map %q: ", outer.Name).and(format, args...)
	}
	outer.ValueSize = 4 // a map's descriptor, whatever the object says
	if outer.InnerID == 0 {
		return fail("a map of maps without the id of its inner map")
	}
	inner := o.legacyMaps()[outer.InnerID]
	if len(inner) == 0 {
		return fail("no map has the id %d of its inner map", outer.InnerID)
	}
	template := inner[0]
	if template.Type == ebpf.ArrayOfMaps || template.Type == ebpf.HashOfMaps {
		return fail("the inner map %q is a map of maps too", template.Name)
	}
	outer.Inner = &template
	for _, m := range inner {
		switch {
		case m.InnerIndex == -1:
			continue
		case outer.KeySize != 4:
			return fail("keys of %d bytes, not the 4 of inner_idx", outer.KeySize)
		case outer.Type == ebpf.ArrayOfMaps && uint32(m.InnerIndex) >= outer.MaxEntries:
			return fail("inner map %q at key %d of %d entries", m.Name, m.InnerIndex, outer.MaxEntries)
		}
		outer.Contents = append(outer.Contents, Slot{uint32(m.InnerIndex), m.Name})
	}
	return nil
}

// annotation begins the names of structures that say what a legacy map holds.
const annotation = "____btf_map_"

// annotate adds the types of BPF_ANNOTATE_KV_PAIR (iproute2's include/bpf_api.h): a
// structure "____btf_map_NAME" with exactly a key and a value. One of other sizes is
// no error, as iproute2 ignores it.
func (m *Map) annotate(types *btf.Spec) {
	if types == nil {
		return
	}
	var pair *btf.Struct
	err := catch(func() error { return types.TypeByName(annotation+m.Name, &pair) })
	if err != nil || len(pair.Members) != 2 {
		return
	}
	key, value := memberNamed(pair, "key"), memberNamed(pair, "value")
	if key == nil || value == nil || sizeOf(key.Type) != m.KeySize || sizeOf(value.Type) != m.ValueSize {
		return
	}
	m.Key, m.Value = key.Type, value.Type
}

func sizeOf(t btf.Type) uint32 {
	n, err := btf.Sizeof(t)
	if err != nil {
		return 0
	}
	return uint32(n)
}

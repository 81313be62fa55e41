// Package rewrite makes other objects of an object.
package rewrite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// Converted is an object whose maps are those of section ".maps".
type Converted struct {
	Image []byte   // the ELF object
	Notes []string // what could not be said as it was
}

// Convert returns the object with its legacy maps, of section "maps", defined
// in section ".maps" and described by BTF, as libbpf from 1.0 on and cilium/ebpf
// want them. Maps that were pinned are pinned by name. The slots that iproute2
// fills from "ID/KEY" sections, and inner maps, become initial values. All else is
// as it was, but static maps and programs become global, an "ID/KEY" section joins
// the section of the program that tail-calls into its array, and a section whose name libbpf
// does not take whole ("xdp/drop") gets the one that it does ("xdp"). The error is a
// [*elf.FormatError], also when the object has no legacy map.
func Convert(o *elf.Object) (*Converted, error) {
	c := &converter{source: newSource(o), places: make(map[place]definition), noted: make(map[string]bool), arrays: make(map[elf.Program][]*converted)}
	if err := c.run(); err != nil {
		if fault, ok := errors.AsType[*elf.FormatError](err); ok && fault.Object == "" {
			fault.Object = o.Path()
		}
		return nil, err
	}
	return &Converted{Image: c.patch.bytes(), Notes: c.notes}, nil
}

// converter rewrites an object.
type converter struct {
	*source
	patch  *patch
	btf    *btfEditor
	maps   []converted
	places map[place]definition // of both styles
	data   []byte               // of section .maps
	refs   []elf.Relocation     // of section .maps
	home   int                  // index of section .maps
	notes  []string
	noted  map[string]bool              // those of notes
	names  map[string]int               // of functions, to their symbols
	arrays map[elf.Program][]*converted // those that a function uses itself
}

// definition is a map and its symbol.
type definition struct {
	*elf.Map
	symbol int
}

// place is where a map is defined.
type place struct {
	section int
	off     uint64
}

// converted is a legacy map and its new definition.
type converted struct {
	elf.Map
	symbol int
	size   int    // bytes of the definition
	values int    // offset of the initial values in it
	start  int    // in section .maps
	typ    uint32 // of the definition
}

func (c *converter) run() (err error) {
	if err := c.read(); err != nil {
		return err
	}
	if _, err := c.o.TailCalls(); err != nil { // of all maps, too
		return err
	}
	if c.btf, err = editBTF(c.source); err != nil {
		return err
	}
	if c.patch, err = newPatch(c.source); err != nil {
		return err
	}
	if err := c.place(); err != nil {
		return err
	}
	if err := c.define(); err != nil {
		return err
	}
	if err := c.relocate(); err != nil {
		return err
	}
	if err := c.gather(); err != nil {
		return err
	}
	types := 0
	if sec := c.section(".BTF"); sec != nil {
		types = sec.Index
	}
	c.patch.setData(types, ".BTF", c.btf.bytes())
	return nil
}

// read collects the maps.
func (c *converter) read() error {
	nothing := &elf.FormatError{Msg: "no maps in a \"maps\" section: nothing to convert"}
	if !slices.ContainsFunc(c.sections, elf.Section.LegacyMaps) {
		return nothing
	}
	maps, err := c.o.Maps()
	if fault, ok := errors.AsType[*elf.FormatError](err); ok {
		return fault // the first of several
	}
	if err != nil {
		return err
	}
	symbols := c.mapSymbols()
	for i := range maps {
		m := &maps[i]
		index, ok := symbols[mapSymbol{m.Section, m.Name, m.Offset}]
		if !ok || m.Style == elf.StyleData {
			continue
		}
		c.places[place{c.symbols[index].Section, m.Offset}] = definition{m, index}
		if m.Style == elf.StyleLegacy {
			c.maps = append(c.maps, converted{Map: *m, symbol: index})
		}
	}
	if len(c.maps) == 0 {
		return nothing
	}
	return nil
}

// place finds section .maps, or makes it of the first legacy one.
func (c *converter) place() error {
	if sec := c.section(".maps"); sec != nil && sec.BTFMaps() {
		var err error
		if c.data, err = c.o.Data(*sec); err != nil {
			return err
		}
		c.home = sec.Index
		c.refs = c.patch.sections[sec.Index].relocs
	}
	for i := range c.sections {
		sec := &c.sections[i]
		if sec.LegacyMaps() {
			c.home = cmp.Or(c.home, sec.Index)
			c.patch.drop(sec.Index)
		}
	}
	return nil
}

// pinByName is LIBBPF_PIN_BY_NAME, libbpf's bpf_helpers.h.
const pinByName = 1

// maxSlot bounds the initial values of a map, of which each has 8 bytes.
const maxSlot = 1 << 16

// define writes the definitions one after the other.
func (c *converter) define() error {
	list := c.btf.variables(".maps")
	c.btf.retire(".maps")
	for i := range c.sections {
		if sec := &c.sections[i]; sec.LegacyMaps() {
			c.btf.retire(sec.Name)
		}
	}
	for i := range c.maps {
		m := &c.maps[i]
		for _, s := range m.Contents {
			if s.Key > maxSlot {
				return &elf.FormatError{Section: m.Section, Msg: fmt.Sprintf("map %q: an initial value at key %d: the file would be too large", naming.Clip(m.Name), s.Key)}
			}
		}
		c.data = append(c.data, make([]byte, -len(c.data)&7)...)
		m.start = len(c.data)
		c.structure(m)
		c.data = append(c.data, make([]byte, m.size)...)
		list = append(list, c.btf.variable(m.Name, m.typ), uint32(m.start), uint32(m.size))
		c.patch.moveSymbol(m.symbol, c.home, m.start, m.size)
		if err := c.fill(m); err != nil {
			return err
		}
	}
	c.btf.add(".maps", btfwire.Datasec, len(list)/3, uint32(len(c.data)), list...)
	return nil
}

// member is a member of a definition, a pointer each.
type member struct {
	name string
	typ  uint32
}

// structure adds the type of a definition.
func (c *converter) structure(m *converted) {
	members := c.members(&m.Map)
	if m.Pinning != elf.PinNone {
		members = append(members, member{"pinning", c.btf.number(pinByName)})
		if m.Pinning != elf.PinGlobal {
			c.notes = append(c.notes, fmt.Sprintf("map %s was pinned in a place of its own (%s), and is now shared by name", naming.Clip(m.Name), m.Pinning))
		}
	}
	m.size = 8 * len(members)
	m.values = m.size
	switch {
	case m.Inner != nil:
		inner := c.members(m.Inner)
		of := c.addStruct(inner)
		members = append(members, member{"values", c.btf.array(c.btf.pointer(of), 0)})
	case len(m.Contents) > 0:
		of := c.btf.add("", btfwire.FuncProto, 0, c.btf.int32())
		members = append(members, member{"values", c.btf.array(c.btf.pointer(of), 0)})
	}
	for _, s := range m.Contents {
		m.size = max(m.size, m.values+8*int(s.Key)+8)
	}
	m.typ = c.addStruct(members)
}

// members are those of every definition.
func (c *converter) members(m *elf.Map) []member {
	list := []member{{"type", c.btf.number(uint32(m.Type))}}
	list = append(list, c.side("key", m.Key, m.KeySize), c.side("value", m.Value, m.ValueSize))
	list = append(list, member{"max_entries", c.btf.number(m.MaxEntries)})
	if m.Flags != 0 {
		list = append(list, member{"map_flags", c.btf.number(m.Flags)})
	}
	return list
}

// side is the key or the value of a map: by its type if that is known.
func (c *converter) side(name string, t btf.Type, size uint32) member {
	if types, err := c.o.Types(); err == nil && t != nil {
		if id, err := types.TypeID(t); err == nil {
			return member{name, c.btf.pointer(uint32(id))}
		}
	}
	return member{name + "_size", c.btf.number(size)}
}

// addStruct adds a structure of pointers; an array without elements takes no room.
func (c *converter) addStruct(members []member) uint32 {
	var extra []uint32
	size := 0
	for _, m := range members {
		extra = append(extra, c.btf.text(m.name), m.typ, uint32(8*size))
		if m.name != "values" {
			size += 8
		}
	}
	return c.btf.add("", btfwire.Struct, len(members), uint32(size), extra...)
}

// fill adds the initial values of a map.
func (c *converter) fill(m *converted) error {
	for _, s := range m.Contents {
		index := c.target(m, s.Name)
		if index < 0 {
			return &elf.FormatError{Section: m.Section, Msg: fmt.Sprintf("map %q: no symbol %q for key %d", naming.Clip(m.Name), naming.Clip(s.Name), s.Key)}
		}
		c.patch.export(index)
		c.refs = append(c.refs, elf.Relocation{Offset: uint64(m.start + m.values + 8*int(s.Key)), Type: relocAddress, Symbol: index})
	}
	return nil
}

// target finds the symbol of a program or map that goes into a map.
func (c *converter) target(m *converted, name string) int {
	if m.Inner != nil {
		for i := range c.maps {
			if c.maps[i].Name == name {
				return c.maps[i].symbol
			}
		}
	}
	if c.names == nil {
		c.names = c.functionSymbols()
	}
	if index, ok := c.names[name]; ok {
		return index
	}
	return -1
}

// relocate points the instructions that load a legacy map at its symbol.
func (c *converter) relocate() error {
	if err := c.codeRelocations(c.relocateOne); err != nil {
		return err
	}
	slices.SortStableFunc(c.refs, func(a, b elf.Relocation) int { return cmp.Compare(a.Offset, b.Offset) })
	c.patch.setData(c.home, ".maps", c.data)
	c.patch.sections[c.home].relocs = c.refs
	return nil
}

func (c *converter) relocateOne(sec *elf.Section, r elf.Relocation) error {
	sym := &c.symbols[r.Symbol]
	if sym.Section >= len(c.sections) {
		return nil
	}
	if to := c.sections[sym.Section]; !to.LegacyMaps() && !to.BTFMaps() {
		return nil
	}
	fail := func(format string, args ...any) error {
		return &elf.FormatError{Section: sec.Name, Offset: int64(r.Offset), Msg: fmt.Sprintf(format, args...)}
	}
	if r.Offset > sec.Size || sec.Size-r.Offset < 2*insn.Size {
		return fail("a relocation past the end of the section")
	}
	imm := c.patch.sections[sec.Index].Data[r.Offset+4:]
	off := sym.Value + uint64(int32(c.order.Uint32(imm)))
	m := c.places[place{sym.Section, off}]
	switch {
	case c.sections[sym.Section].Executable(): // instructions in section ".maps"
		return fail("a map among instructions")
	case m.Map == nil:
		return fail("a map: no map starts at byte %#x of section %q", off, naming.Clip(c.sections[sym.Section].Name))
	}
	if m.Static && m.Style == elf.StyleBTF {
		c.patch.export(m.symbol)
		c.btf.share(m.Name)
	}
	c.order.PutUint32(imm, 0)
	c.patch.retarget(sec.Index, r.Offset, m.symbol)
	return nil
}

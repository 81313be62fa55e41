package elf

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// TailCall is one slot of a program array: the program that runs on a tail call to Key.
type TailCall struct {
	Map     string
	Key     uint32
	Program string
	Section string // the "ID/KEY" section, or that of the array's initial values
}

// TailCalls returns what the object puts into program arrays: iproute2's
// "ID/KEY" sections, in any base that C has, and the initial values of BTF maps. The error
// joins a [*FormatError] for each that cannot be: an id that no program array
// has, a key past its last entry, a map that cannot be read.
func (o *Object) TailCalls() ([]TailCall, error) {
	maps, err := o.mapDefs()
	errs := []error{err}
	var calls []TailCall
	for _, m := range maps {
		if m.Type == ebpf.ProgramArray && m.Style == StyleBTF {
			for _, s := range m.Contents {
				calls = append(calls, TailCall{m.Name, s.Key, s.Name, m.Section})
			}
		}
	}
	for _, t := range o.tails() {
		m, err := o.tailMap(t)
		if err != nil {
			errs = append(errs, o.fault(err))
			continue
		}
		calls = append(calls, TailCall{m.Name, t.key, t.fn.name, t.fn.section.Name})
	}
	return calls, errors.Join(errs...)
}

// tailSection is a section "ID/KEY": its function goes to KEY of the program array with ID.
type tailSection struct {
	id, key uint32
	fn      *part
}

func (o *Object) findTails() []tailSection {
	var tails []tailSection
	for i := range o.sections {
		sec := &o.sections[i]
		id, key, ok := naming.Tail(sec.Name)
		if !ok || !sec.Executable() {
			continue
		}
		var funcs []*part
		for i := range o.sectionFunctions(sec) {
			funcs = append(funcs, &o.sectionFunctions(sec)[i])
		}
		tails = append(tails, tailSection{id, key, firstGlobal(funcs)})
	}
	return tails
}

// tailsOf returns the sections that go into the map with the id.
func (o *Object) tailsOf(id uint32) []tailSection {
	if id == 0 {
		return nil
	}
	var tails []tailSection
	for _, t := range o.tails() {
		if t.id == id {
			tails = append(tails, t)
		}
	}
	return tails
}

// tailMap returns the program array that a section "ID/KEY" goes into.
func (o *Object) tailMap(t tailSection) (Map, error) {
	fail := func(format string, args ...any) (Map, error) {
		return Map{}, faultIn(t.fn.section.Name, 0, "tail call to map %d key %d: ", t.id, t.key).and(format, args...)
	}
	maps := o.legacyMaps()[t.id]
	if len(maps) == 0 {
		return fail("no map has the id %d", t.id)
	}
	m := maps[0]
	if m.Type != ebpf.ProgramArray {
		return fail("map %q is of type %s, not a program array", m.Name, kernelname.Map(m.Type))
	}
	if t.key >= m.MaxEntries {
		return fail("map %q has %d entries", m.Name, m.MaxEntries)
	}
	return m, nil
}

// legacyTails returns the slots of a legacy program array.
func (o *Object) legacyTails(m *Map) ([]Slot, error) {
	var slots []Slot
	for _, t := range o.tailsOf(m.ID) {
		first, err := o.tailMap(t)
		if err != nil {
			return nil, err
		}
		if first.Name != m.Name { // a second map with the id
			continue
		}
		slots = append(slots, Slot{t.key, t.fn.name})
	}
	slices.SortFunc(slots, func(a, b Slot) int { return int(int64(a.Key) - int64(b.Key)) })
	return slots, nil
}

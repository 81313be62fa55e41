package elf

import (
	"bytes"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Spec returns what a loader needs for the program that s chooses: that
// program, the programs that its program arrays hold, the functions and maps
// that they reach, and nothing else. When functions of the object are left out, so
// are the types that only they need. It is the caller's own copy.
//
// The program has the type of s, and its tail programs have the type, attach
// type and flags of the program, as the kernel demands within a program array.
// The tails add to what the object itself puts into program arrays: each names a map, key and
// program; Section is not read.
//
// Maps of both styles are as [Object.Maps] says, with Contents and InnerMap
// set. MapSpec.Pinning is always PinNone: [Map.Pinning] says where a map belongs,
// see [Object.Link].
//
// An error is a [*NotFoundError], a [*TypeError] or a [*FormatError]. An object of the
// other byte order has a spec too, to be looked at: see [Object.CheckByteOrder].
func (o *Object) Spec(s Selector, tails ...TailCall) (*ebpf.CollectionSpec, error) {
	linked, err := o.Link(s, tails...)
	if err != nil {
		return nil, err
	}
	return linked.Spec, nil
}

// Linked is what a loader needs for a program, and what its parts were in the object.
// The BTF types in it are those of the spec.
type Linked struct {
	Spec *ebpf.CollectionSpec
	// Maps are the definitions of the maps in the spec by name, but for those of
	// global variables.
	Maps map[string]Map
	CORE Relocations
	// Externs are the names of the kernel that are used. Its variables are references of
	// 64-bit loads of 0, its settings variables of section .kconfig with the value 0:
	// to fill them in is the loader's part.
	Externs map[string]Extern
	// Entries are the programs that were selected, each once and in that order.
	Entries []Entry
}

// An Entry is a program that was selected.
type Entry struct {
	Program string
	// Arrays are the program arrays that a run of it may come to, by tail calls also.
	Arrays []string
}

// Link is [Object.Spec] and what its parts were. It is cheaper than to ask for each
// map by [Object.Map]. All of it is the caller's own.
func (o *Object) Link(s Selector, tails ...TailCall) (*Linked, error) {
	return o.LinkAll([]Selector{s}, tails...)
}

// LinkAll is [Object.Link] of several programs, which share their maps. Each has the
// type of its selector, unless it is a tail program of another that is selected.
// Programs that share a program array must be of one kind.
func (o *Object) LinkAll(all []Selector, tails ...TailCall) (*Linked, error) {
	l := o.newLink()
	for _, s := range all {
		fn, err := o.choose(s)
		if err != nil {
			return nil, err
		}
		if l.byFunc[fn] == nil { // else it is selected twice
			l.selected = append(l.selected, selection{l.enter(fn), s})
		}
	}
	linked, err := l.spec(tails)
	if err != nil {
		return nil, o.fault(err)
	}
	linked.Maps = make(map[string]Map, len(l.maps))
	for _, m := range l.maps {
		linked.Maps[m.sym.name] = m.def
	}
	return linked, nil
}

func (l *link) spec(tails []TailCall) (*Linked, error) {
	if err := l.addTails(tails); err != nil {
		return nil, err
	}
	if err := l.run(); err != nil {
		return nil, err
	}
	if err := l.checkNames(); err != nil {
		return nil, err
	}
	spec, core, err := l.load()
	if err != nil {
		return nil, err
	}
	if err := l.setMaps(spec, tails); err != nil {
		return nil, err
	}
	if err := l.setPrograms(spec); err != nil {
		return nil, err
	}
	return &Linked{Spec: spec, CORE: core, Externs: l.externs, Entries: l.selectedEntries()}, nil
}

// load writes the link as an image and has it decoded.
func (l *link) load() (spec *ebpf.CollectionSpec, _ Relocations, err error) {
	image, placed, err := l.emit()
	if err != nil {
		return nil, nil, err
	}
	err = catch(func() error {
		spec, err = ebpf.LoadCollectionSpecFromReader(bytes.NewReader(image))
		return err
	})
	if err != nil {
		return nil, nil, faultIn("", 0, "the object cannot be loaded").because(err)
	}
	l.restoreNames(spec)
	core, err := l.relocations(spec, placed)
	return spec, core, err
}

// setMaps replaces the maps of the image, of which only the names are true, by their definitions.
func (l *link) setMaps(spec *ebpf.CollectionSpec, tails []TailCall) error {
	for _, m := range l.maps {
		if err := l.define(m, spec.Types); err != nil {
			return err
		}
		if err := l.fillTails(m, tails); err != nil {
			return err
		}
		spec.Maps[m.sym.name] = l.mapSpec(&m.def)
	}
	for _, t := range tails {
		if !slices.ContainsFunc(l.maps, func(m *linkedMap) bool { return m.sym.name == t.Map }) {
			return faultIn("", 0, "tail call to map %q key %d: the program refers to no such map", t.Map, t.Key)
		}
	}
	return nil
}

// define completes the definition of a map with the types of the spec.
func (l *link) define(m *linkedMap, types *btf.Spec) (err error) {
	switch {
	case m.sym.section.LegacyMaps():
		m.def.annotate(types)
		return nil
	case types == nil:
		return noTypes(m.sym)
	}
	m.def, err = l.o.btfMap(m.sym, types)
	return err
}

// mapSpec writes a map in the loader's terms.
func (l *link) mapSpec(m *Map) *ebpf.MapSpec {
	spec := &ebpf.MapSpec{
		Name:       m.Name,
		Type:       m.Type,
		KeySize:    m.KeySize,
		ValueSize:  m.ValueSize,
		MaxEntries: m.MaxEntries,
		Flags:      m.Flags,
		MapExtra:   m.Extra,
		NumaNode:   m.NumaNode,
		Key:        m.Key,
		Value:      m.Value,
	}
	if m.Inner != nil {
		spec.InnerMap = l.mapSpec(m.Inner)
	}
	for _, s := range m.Contents {
		spec.Contents = append(spec.Contents, ebpf.MapKV{Key: s.Key, Value: s.Name})
	}
	return spec
}

package btfwire

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Reach is how far the references of a type are followed.
type Reach uint8

const (
	// Members follows what lies in a type by value.
	Members Reach = 1 << iota
	// Pointers follows what a type points at, up to a structure, which is not
	// entered: its copy has no members.
	Pointers
	// Everything follows all references.
	Everything
)

// beyond returns how far the references of a type of a kind are followed.
func (how Reach) beyond(kind int) Reach {
	switch {
	case how&Everything != 0:
		return how
	case kind == Struct || kind == Union:
		return how & Members
	case kind == Pointer || kind == FuncProto:
		return how & Pointers
	}
	return how
}

// A Source is BTF of which some types are copied.
type Source struct {
	Order   ByteOrder
	Strings []byte
	// Record returns a type by its number: struct btf_type and what follows it.
	Record func(id uint32) ([]byte, error)
	// Tags returns the declaration tags about a type, unless it is nil.
	Tags func(id uint32) []uint32
}

// A Subset copies types, with all that they refer to, and gives them numbers and
// strings of their own: Follow the types, Copy them, let ID and Text say what became
// what, and Encode all.
type Subset struct {
	src   Source
	types []subsetType
	index map[uint32]int    // of types, by their numbers in the source
	todo  []int             // of types
	out   []byte            // the new types
	texts map[uint32]uint32 // new by old offset
	text  []byte            // the new strings
	err   error             // the first
}

// subsetType is a type that is copied.
type subsetType struct {
	old    uint32 // its number in the source
	record []byte
	reach  Reach
	id     uint32 // its number in the copy
}

// NewSubset returns one that has no types.
func NewSubset(src Source) *Subset {
	const usual = 32 // as many as most programs need
	return &Subset{
		src: src, types: make([]subsetType, 0, usual), index: make(map[uint32]int, usual),
		texts: map[uint32]uint32{0: 0}, text: []byte{0},
	}
}

// Follow has a type copied; 0 is void, which is always there.
func (s *Subset) Follow(id uint32, how Reach) {
	if id == 0 || how == 0 || s.err != nil {
		return
	}
	i, known := s.index[id]
	if !known {
		record, err := s.src.Record(id)
		if err != nil {
			s.err = err
			return
		}
		i = len(s.types)
		s.types = append(s.types, subsetType{old: id, record: record})
		s.index[id] = i
	}
	if t := &s.types[i]; t.reach|how != t.reach {
		t.reach |= how
		s.todo = append(s.todo, i)
	}
}

// Copy copies the types that were followed, in the order that they had.
func (s *Subset) Copy() {
	for len(s.todo) > 0 && s.err == nil {
		i := s.todo[len(s.todo)-1]
		s.todo = s.todo[:len(s.todo)-1]
		s.refer(s.types[i])
	}
	old := slices.Sorted(maps.Keys(s.index))
	for i, id := range old {
		s.types[s.index[id]].id = uint32(i + 1)
	}
	for _, id := range old {
		start := len(s.out)
		s.out = append(s.out, s.types[s.index[id]].cut(s.src.Order)...)
		s.visit(s.out[start:], s.Renumber, s.Rename)
	}
}

// refer follows what a type refers to.
func (s *Subset) refer(t subsetType) {
	_, kind, _ := Head(s.src.Order, t.record)
	if how := t.reach.beyond(kind); how != 0 {
		s.visit(t.record, func(b []byte) { s.Follow(s.src.Order.Uint32(b), how) }, func([]byte) {})
	}
	if s.src.Tags != nil {
		for _, tag := range s.src.Tags(t.old) {
			s.Follow(tag, t.reach)
		}
	}
}

// cut returns the record, that of a structure which is not entered without its members.
func (t subsetType) cut(order ByteOrder) []byte {
	_, kind, _ := Head(order, t.record)
	if kind != Struct && kind != Union || t.reach.beyond(kind) != 0 {
		return t.record
	}
	r := bytes.Clone(t.record[:TypeSize])
	order.PutUint32(r[4:], order.Uint32(r[4:])&^CountMask)
	return r
}

func (s *Subset) visit(record []byte, typ, name func([]byte)) {
	if err := visit(s.src.Order, record, typ, name); err != nil && s.err == nil {
		s.err = err
	}
}

// Renumber gives the number of a type that is written at the start of b its new one.
func (s *Subset) Renumber(b []byte) { s.src.Order.PutUint32(b, s.ID(s.src.Order.Uint32(b))) }

// Rename gives the offset of a string that is written at the start of b its new one.
func (s *Subset) Rename(b []byte) { s.src.Order.PutUint32(b, s.Text(s.src.Order.Uint32(b))) }

// ID returns the number of a type in the copy, 0 of one that is not copied.
func (s *Subset) ID(old uint32) uint32 {
	if i, known := s.index[old]; known {
		return s.types[i].id
	}
	return 0
}

// Text copies a string, and returns its offset in the copy.
func (s *Subset) Text(old uint32) uint32 {
	at, known := s.texts[old]
	if !known {
		at = s.add(s.string(old))
		s.texts[old] = at
	}
	return at
}

var errOverlap = errors.New("strings overlap")

// string returns one of the source's. Strings of sound BTF do not overlap, so those
// that are copied are never longer than all.
func (s *Subset) string(off uint32) []byte {
	text, ok := String(s.src.Strings, off)
	switch {
	case s.err != nil:
	case !ok:
		s.err = fmt.Errorf("no string at %d", off)
	case len(s.text)+len(text) > len(s.src.Strings):
		s.err = errOverlap
	default:
		return text
	}
	return nil
}

// Add adds a string to the copy, and returns its offset there.
func (s *Subset) Add(text string) uint32 { return s.add([]byte(text)) }

func (s *Subset) add(text []byte) uint32 {
	at := uint32(len(s.text))
	s.text = append(append(s.text, text...), 0)
	return at
}

// Encode returns the copy. The error is the first that any of the calls met.
func (s *Subset) Encode() ([]byte, error) { return Encode(s.src.Order, s.out, s.text), s.err }

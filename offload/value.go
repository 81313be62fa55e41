package offload

import (
	"math"
	"slices"
)

// A kind is what a register holds.
type kind uint8

const (
	unknown kind = iota
	scalar
	context
	stack
	mapPointer
	mapValue
	packet
	packetEnd
	packetMeta
)

var kindNames = [...]string{
	unknown: "something unknown", scalar: "a number", context: "the context", stack: "the stack",
	mapPointer: "a map", mapValue: "a map's value", packet: "the packet", packetEnd: "the packet's end",
	packetMeta: "the packet's metadata",
}

func (k kind) String() string { return kindNames[k] }

// A value is what is known of a register or a slot of the stack, over all
// paths that lead to an instruction.
type value struct {
	kind kind
	// numbers are those that it can be, sorted: of a scalar, or the offset of a
	// pointer from the top of the stack or the start of a map's value. None:
	// it depends on what only the running program knows.
	numbers []int64
	// merged says that there were too many to remember: then nothing follows
	// from there being none.
	merged bool
	// wide says that on some path it is 8 bytes of memory, or the distance of two
	// pointers, and nothing was asked about it: any number of 64 bits.
	wide bool
	// name is that of the map; of a place on the stack, the function whose it is,
	// empty for the one that runs.
	name string
}

// maxNumbers is how many numbers a value remembers.
const maxNumbers = 8

func constant(n int64) value { return value{kind: scalar, numbers: []int64{n}} }

// only returns the one number that v can be.
func (v value) only() (int64, bool) {
	if len(v.numbers) != 1 {
		return 0, false
	}
	return v.numbers[0], true
}

// varies reports whether the number is decided by the running program.
func (v value) varies() bool { return len(v.numbers) == 0 && !v.merged }

// exceeds32 reports whether it is a number that can need more than 32 bits, as
// far as is known.
func (v value) exceeds32() bool {
	return v.kind == scalar && (v.wide || slices.ContainsFunc(v.numbers, func(n int64) bool { return uint64(n) > math.MaxUint32 }))
}

func (v value) equal(o value) bool {
	return v.kind == o.kind && v.wide == o.wide && v.merged == o.merged && v.name == o.name && slices.Equal(v.numbers, o.numbers)
}

// join is what is known where two paths meet.
func (v value) join(o value) value {
	switch {
	case v.equal(o):
		return v
	case v.kind != o.kind || v.name != o.name:
		return value{}
	case v.varies() || o.varies():
		return value{kind: v.kind, name: v.name, wide: v.wide || o.wide}
	}
	out := value{kind: v.kind, name: v.name, merged: v.merged || o.merged}
	out.numbers = slices.Compact(slices.Sorted(slices.Values(slices.Concat(v.numbers, o.numbers))))
	if out.merged || len(out.numbers) > maxNumbers {
		out.merged, out.numbers = true, nil
	}
	return out
}

// add is v+o and v-o, by sign: of two numbers, or of a pointer and a number.
func (v value) add(o value, sign int64) value {
	if v.kind == scalar && o.kind != scalar && sign > 0 {
		v, o = o, v
	}
	switch {
	case v.kind == unknown || o.kind == unknown:
		return value{}
	case o.kind != scalar: // the distance of two pointers
		return value{kind: scalar, wide: true}
	}
	return v.combine(o, func(a, b int64) int64 { return a + sign*b })
}

// combine computes with every pair of numbers; the rest is v's.
func (v value) combine(o value, compute func(a, b int64) int64) value {
	out := value{kind: v.kind, name: v.name}
	switch {
	case v.varies() || o.varies():
		return out
	case v.merged || o.merged || len(v.numbers)*len(o.numbers) > maxNumbers:
		out.merged = true
		return out
	}
	for _, a := range v.numbers {
		for _, b := range o.numbers {
			out.numbers = append(out.numbers, compute(a, b))
		}
	}
	slices.Sort(out.numbers)
	out.numbers = slices.Compact(out.numbers)
	return out
}

// A state is what is known before an instruction.
type state struct {
	regs  [16]value // as many as an instruction can name
	slots [64]value // of the stack, 8 bytes each, from the top down
	// filled has a bit for each byte of a slot in which something else than zero
	// is stored, on some path.
	filled [64]uint8
}

// fills reports whether a byte that it is stored to holds something else than
// zero for the kernel, which asks for a register that is zero.
func (v value) fills() bool {
	return v.kind != unknown && (v.kind != scalar || v.varies() || v.merged || slices.ContainsFunc(v.numbers, func(n int64) bool { return n != 0 }))
}

// fill remembers what the bytes from an offset on hold.
func (s *state) fill(at, size int64, something bool) {
	for ; size > 0; at, size = at+1, size-1 {
		i, bit := slot(at&^7), uint8(1)<<(at&7)
		switch {
		case i < 0:
		case something:
			s.filled[i] |= bit
		default:
			s.filled[i] &^= bit
		}
	}
}

// holds reports whether the byte at an offset holds something else than zero.
func (s *state) holds(at int64) bool {
	i := slot(at &^ 7)
	return i >= 0 && s.filled[i]&(1<<(at&7)) != 0
}

// forget is for a stack that can have changed anywhere.
func (s *state) forget() {
	clear(s.slots[:])
	clear(s.filled[:])
}

// slot is the index of the slot at an offset from the top of the stack, -1 for
// none.
func slot(offset int64) int {
	i := -offset/8 - 1
	if offset >= 0 || offset%8 != 0 || i >= 64 {
		return -1
	}
	return int(i)
}

// join takes what is known on another path, and reports whether that changed s.
func (s *state) join(o *state) (changed bool) {
	merge := func(a, b *value) {
		if v := a.join(*b); !v.equal(*a) {
			*a, changed = v, true
		}
	}
	for i := range s.regs {
		merge(&s.regs[i], &o.regs[i])
	}
	for i := range s.slots {
		merge(&s.slots[i], &o.slots[i])
		if filled := s.filled[i] | o.filled[i]; filled != s.filled[i] {
			s.filled[i], changed = filled, true
		}
	}
	return changed
}

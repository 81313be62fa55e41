package pin

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// member is a scalar, or an array of scalars, in a type: what it is, and where.
type member struct {
	path string // such as "value.src.port" or "value.slots[].id"
	what string // such as "u32 at byte 4"
}

// diffTypes compares two types by their members: names, sizes and places. Names
// of types, typedefs and const do not count, and where a pointer points to
// neither.
func diffTypes(name string, want, have btf.Type) []Field {
	w, h := members(name, want), members(name, have)
	inHave := make(map[string]string, len(h))
	for _, m := range h {
		inHave[m.path] = m.what
	}
	var diff []Field
	inWant := make(map[string]bool, len(w))
	for _, m := range w {
		inWant[m.path] = true
		if what, ok := inHave[m.path]; !ok {
			diff = append(diff, Field{m.path, m.what, "absent"})
		} else if what != m.what {
			diff = append(diff, Field{m.path, m.what, what})
		}
	}
	for _, m := range h {
		if !inWant[m.path] {
			diff = append(diff, Field{m.path, "absent", m.what})
		}
	}
	return diff
}

func members(name string, t btf.Type) []member {
	var w memberWalk
	w.walk(name, t, 0, 0)
	return w.found
}

// Types come from files: bounds keep a hostile one from growing without end.
const (
	maxSteps = 1 << 14
	maxDepth = 32
)

type memberWalk struct {
	found []member
	steps int
	depth int
}

// walk adds the members of a type that begins at a bit; width is that of a
// bit field, in bits.
func (w *memberWalk) walk(path string, t btf.Type, at, width btf.Bits) {
	if w.steps >= maxSteps || w.depth >= maxDepth {
		return
	}
	w.steps++
	w.depth++
	defer func() { w.depth-- }()
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		w.walkMembers(path, t.Members, at)
	case *btf.Union:
		w.walkMembers(path, t.Members, at)
	case *btf.Datasec:
		for _, v := range t.Vars {
			if decl, ok := v.Type.(*btf.Var); ok {
				w.walk(path+"."+decl.Name, decl.Type, at+btf.Bits(v.Offset)*8, 0)
			}
		}
	case *btf.Array:
		w.walkArray(path, t, at)
	default:
		w.add(path, scalar(t), at, width)
	}
}

func (w *memberWalk) walkMembers(path string, ms []btf.Member, at btf.Bits) {
	for _, m := range ms {
		sub := path
		if m.Name != "" { // else its members count as ours
			sub += "." + m.Name
		}
		w.walk(sub, m.Type, at+m.Offset, m.BitfieldSize)
	}
}

func (w *memberWalk) walkArray(path string, t *btf.Array, at btf.Bits) {
	switch elem := btf.UnderlyingType(t.Type).(type) {
	case *btf.Struct, *btf.Union, *btf.Array:
		w.add(path, fmt.Sprintf("[%d]", t.Nelems), at, 0)
		w.walk(path+"[]", elem, at, 0)
	default:
		w.add(path, fmt.Sprintf("%s[%d]", scalar(elem), t.Nelems), at, 0)
	}
}

func (w *memberWalk) add(path, what string, at, width btf.Bits) {
	switch {
	case width > 0:
		what = fmt.Sprintf("%s:%d at bit %d", what, width, at)
	case at > 0 || w.depth > 1:
		what = fmt.Sprintf("%s at byte %d", what, at/8)
	}
	w.found = append(w.found, member{path, what})
}

// scalar names a type that has no members by kind and size in bits.
func scalar(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Int:
		switch t.Encoding {
		case btf.Bool:
			return "bool"
		case btf.Signed:
			return fmt.Sprintf("s%d", 8*t.Size)
		}
		return fmt.Sprintf("u%d", 8*t.Size)
	case *btf.Enum:
		return fmt.Sprintf("enum%d", 8*t.Size)
	case *btf.Float:
		return fmt.Sprintf("float%d", 8*t.Size)
	case *btf.Pointer:
		return "pointer"
	}
	return fmt.Sprintf("%T", t)
}

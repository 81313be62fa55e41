// Package diff says how two versions of a BPF object differ: programs and
// functions by their instructions, maps and variables by their definitions, and
// what loading the second over the first does to maps that are pinned.
package diff

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
)

// Report is what differs between two objects. An empty one means no difference
// that a loader could see.
type Report struct {
	Object    []Change  // licence, byte order
	Programs  []Program // in the order of the first object, then the new ones
	Maps      []Map
	Variables []Entry
	Faults    []error // what could not be read, and was not compared: a [*elf.FormatError] each
}

// Empty reports whether all could be compared, and nothing differs.
func (r *Report) Empty() bool {
	return len(r.Object)+len(r.Programs)+len(r.Maps)+len(r.Variables)+len(r.Faults) == 0
}

// fault notes the errors that are joined in one, and reports whether there is none.
func (r *Report) fault(err error) (none bool) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			r.fault(e)
		}
	} else if err != nil && !slices.ContainsFunc(r.Faults, func(e error) bool { return e.Error() == err.Error() }) {
		r.Faults = append(r.Faults, err)
	}
	return err == nil
}

// State says in which of the objects something is.
type State string

// The states.
const (
	Added   State = "added"
	Removed State = "removed"
	Changed State = "changed"
	Renamed State = "renamed" // the same instructions under another name
)

// Change is one property that differs.
type Change struct{ What, Before, After string }

// Entry is a variable that differs.
type Entry struct {
	Name    string
	State   State
	Changes []Change
}

// Program is a program or function that differs.
type Program struct {
	Name    string
	Before  string // the name in the first object, if it is another
	State   State
	Changes []Change
	Lines   []Line // of the instructions, with a little of what is around each change
}

// Map is a map that differs, and what a reload does to the pinned one.
type Map struct {
	Entry
	Reload string // "" when the map is not pinned
}

// Objects compares two objects. What cannot be read of one of them is among the
// faults, and the rest is compared.
func Objects(a, b *elf.Object) *Report {
	r := new(Report)
	r.Object = change(r.Object, "licence", a.License(), b.License())
	r.Object = change(r.Object, "byte order", a.ByteOrder().String(), b.ByteOrder().String())
	r.programs(a, b)
	r.maps(a, b)
	r.variables(a, b)
	return r
}

func change(list []Change, what, before, after string) []Change {
	if before == after {
		return list
	}
	return append(list, Change{what, before, after})
}

// function is a program or subprogram with its instructions as text.
type function struct {
	elf.Program
	lines []string
}

// functions returns those that can be read; broken are the names of the others.
func (r *Report) functions(o *elf.Object) (list []function, broken []string) {
	for _, p := range append(o.Programs(), o.Subprograms()...) {
		instructions, err := listing.Instructions(o, p)
		if !r.fault(err) {
			broken = append(broken, p.Name)
			continue
		}
		f := function{Program: p}
		for _, i := range instructions {
			f.lines = append(f.lines, i.Text)
		}
		list = append(list, f)
	}
	return list, broken
}

// without leaves out the functions that could not be read in the other object.
func without(list []function, broken []string) []function {
	return slices.DeleteFunc(list, func(f function) bool { return slices.Contains(broken, f.Name) })
}

// programs matches by name, and what is left by the instructions.
func (r *Report) programs(a, b *elf.Object) {
	before, brokenA := r.functions(a)
	after, brokenB := r.functions(b)
	before, after = without(before, brokenB), without(after, brokenA)
	taken := make([]bool, len(after))
	match := make([]int, len(before))
	for i, f := range before {
		match[i] = slices.IndexFunc(after, func(g function) bool { return g.Name == f.Name })
		if match[i] >= 0 {
			taken[match[i]] = true
		}
	}
	for i, f := range before {
		if match[i] < 0 {
			for j, g := range after {
				if !taken[j] && slices.Equal(f.lines, g.lines) && f.Type == g.Type {
					match[i], taken[j] = j, true
					break
				}
			}
		}
		if match[i] < 0 {
			r.Programs = append(r.Programs, Program{Name: f.Name, State: Removed})
			continue
		}
		if p, ok := compare(f, after[match[i]]); ok {
			r.Programs = append(r.Programs, p)
		}
	}
	for j, g := range after {
		if !taken[j] {
			r.Programs = append(r.Programs, Program{Name: g.Name, State: Added})
		}
	}
}

func compare(f, g function) (Program, bool) {
	p := Program{Name: g.Name, State: Changed}
	if f.Name != g.Name {
		p.Before, p.State = f.Name, Renamed
	}
	p.Changes = change(p.Changes, "section", f.Section, g.Section)
	p.Changes = change(p.Changes, "type", f.Type.String(), g.Type.String())
	p.Changes = change(p.Changes, "instructions", fmt.Sprint(f.Instructions), fmt.Sprint(g.Instructions))
	p.Lines = lines(f.lines, g.lines)
	return p, p.Before != "" || len(p.Changes)+len(p.Lines) > 0
}

func (r *Report) variables(a, b *elf.Object) {
	before, errA := a.Variables()
	after, errB := b.Variables()
	typed := r.fault(errA) && r.fault(errB)
	for _, v := range before {
		i := slices.IndexFunc(after, func(w elf.Variable) bool { return w.Name == v.Name })
		if i < 0 {
			r.Variables = append(r.Variables, Entry{Name: v.Name, State: Removed})
			continue
		}
		w := after[i]
		e := Entry{Name: v.Name, State: Changed}
		e.Changes = change(e.Changes, "section", v.Section, w.Section)
		if typed {
			e.Changes = change(e.Changes, "type", elf.TypeName(v.Type), elf.TypeName(w.Type))
		}
		e.Changes = change(e.Changes, "size", fmt.Sprint(v.Size), fmt.Sprint(w.Size))
		e.Changes = change(e.Changes, "value", initial(v), initial(w))
		if len(e.Changes) > 0 {
			r.Variables = append(r.Variables, e)
		}
	}
	for _, w := range after {
		if !slices.ContainsFunc(before, func(v elf.Variable) bool { return v.Name == w.Name }) {
			r.Variables = append(r.Variables, Entry{Name: w.Name, State: Added})
		}
	}
}

// initial writes a value as bytes, the first of a long one.
func initial(v elf.Variable) string {
	if len(bytes.Trim(v.Value, "\x00")) == 0 {
		return "0"
	}
	const shown = 32
	if len(v.Value) > shown {
		return fmt.Sprintf("% x…", v.Value[:shown])
	}
	return fmt.Sprintf("% x", v.Value)
}

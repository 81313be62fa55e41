// Package diff says how two versions of a BPF object differ: programs and
// functions by their instructions, maps and variables by their definitions, and
// what loading the second over the first does to maps that are pinned.
package diff

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/kernelname"
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

// comparer compares two objects.
type comparer struct {
	*Report
	faults map[string]bool // by text
	cells  int             // of tables, see middle
}

// fault notes the errors that are joined in one, and reports whether there is none.
func (r *comparer) fault(err error) (none bool) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			r.fault(e)
		}
	} else if err != nil && !r.faults[err.Error()] {
		r.faults[err.Error()] = true
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
	r := &comparer{Report: new(Report), faults: make(map[string]bool)}
	r.Object = change(r.Object, "licence", a.License(), b.License())
	r.Object = change(r.Object, "byte order", a.ByteOrder().String(), b.ByteOrder().String())
	r.programs(a, b)
	r.maps(a, b)
	r.variables(a, b)
	return r.Report
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

// code is the same of functions that do the same.
func (f *function) code() string { return f.Type.String() + "\n" + strings.Join(f.lines, "\n") }

// functions returns those that can be read; broken are the names of the others.
func (r *comparer) functions(o *elf.Object) (list []function, broken map[string]bool) {
	broken = make(map[string]bool)
	for _, p := range append(o.Programs(), o.Subprograms()...) {
		instructions, err := listing.Instructions(o, p)
		if !r.fault(err) {
			broken[p.Name] = true
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
func without(list []function, broken map[string]bool) []function {
	return slices.DeleteFunc(list, func(f function) bool { return broken[f.Name] })
}

// programs matches by name, and what is left by the instructions.
func (r *comparer) programs(a, b *elf.Object) {
	before, brokenA := r.functions(a)
	after, brokenB := r.functions(b)
	before, after = without(before, brokenB), without(after, brokenA)
	match, taken := pair(before, after)
	for i, f := range before {
		if match[i] < 0 {
			r.Programs = append(r.Programs, Program{Name: f.Name, State: Removed})
			continue
		}
		if p, ok := r.compare(f, after[match[i]]); ok {
			r.Programs = append(r.Programs, p)
		}
	}
	for j, g := range after {
		if !taken[j] {
			r.Programs = append(r.Programs, Program{Name: g.Name, State: Added})
		}
	}
}

// pair finds for each function the one that it has become, -1 for none.
func pair(before, after []function) (match []int, taken []bool) {
	match, taken = make([]int, len(before)), make([]bool, len(after))
	names := index(after, func(g function) string { return g.Name })
	for i, f := range before {
		j, ok := names[f.Name]
		if match[i] = -1; ok {
			match[i], taken[j] = j, true
		}
	}
	same := make(map[string][]int) // those that are left, by what they do
	for j := range after {
		if !taken[j] {
			code := after[j].code()
			same[code] = append(same[code], j)
		}
	}
	for i := range before {
		if match[i] >= 0 {
			continue
		}
		if code := before[i].code(); len(same[code]) > 0 {
			match[i] = same[code][0]
			same[code] = same[code][1:]
			taken[match[i]] = true
		}
	}
	return match, taken
}

// index finds the first of each name.
func index[T any](list []T, name func(T) string) map[string]int {
	first := make(map[string]int, len(list))
	for i, v := range slices.Backward(list) {
		first[name(v)] = i
	}
	return first
}

func (r *comparer) compare(f, g function) (Program, bool) {
	p := Program{Name: g.Name, State: Changed}
	if f.Name != g.Name {
		p.Before, p.State = f.Name, Renamed
	}
	p.Changes = change(p.Changes, "section", f.Section, g.Section)
	p.Changes = change(p.Changes, "type", kernelname.Program(f.Type), kernelname.Program(g.Type))
	p.Changes = change(p.Changes, "instructions", fmt.Sprint(f.Instructions), fmt.Sprint(g.Instructions))
	p.Lines = r.lines(f.lines, g.lines)
	return p, p.Before != "" || len(p.Changes)+len(p.Lines) > 0
}

func (r *comparer) variables(a, b *elf.Object) {
	before, errA := a.Variables()
	after, errB := b.Variables()
	typed := r.fault(errA) && r.fault(errB)
	name := func(v elf.Variable) string { return v.Name }
	old, fresh := index(before, name), index(after, name)
	for _, v := range before {
		i, ok := fresh[v.Name]
		if !ok {
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
		if _, ok := old[w.Name]; !ok {
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

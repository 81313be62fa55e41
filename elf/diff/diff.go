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

// Report is what differs between two objects. An empty one is no difference
// that a loader could see.
type Report struct {
	Object    []Change  // licence, byte order
	Programs  []Program // in the order of the first object, then the new ones
	Maps      []Map
	Variables []Entry
}

// Empty reports whether nothing differs.
func (r *Report) Empty() bool {
	return len(r.Object)+len(r.Programs)+len(r.Maps)+len(r.Variables) == 0
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

// Objects compares two objects. The error is a [*elf.FormatError] of what cannot be read.
func Objects(a, b *elf.Object) (*Report, error) {
	r := new(Report)
	r.Object = change(r.Object, "licence", a.License(), b.License())
	r.Object = change(r.Object, "byte order", a.ByteOrder().String(), b.ByteOrder().String())
	var err error
	if r.Programs, err = programs(a, b); err != nil {
		return nil, err
	}
	if r.Maps, err = maps(a, b); err != nil {
		return nil, err
	}
	r.Variables, err = variables(a, b)
	return r, err
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

func functions(o *elf.Object) ([]function, error) {
	var list []function
	for _, p := range append(o.Programs(), o.Subprograms()...) {
		instructions, err := listing.Instructions(o, p)
		if err != nil {
			return nil, err
		}
		f := function{Program: p}
		for _, i := range instructions {
			f.lines = append(f.lines, i.Text)
		}
		list = append(list, f)
	}
	return list, nil
}

// programs matches by name, and what is left by the instructions.
func programs(a, b *elf.Object) ([]Program, error) {
	before, err := functions(a)
	if err != nil {
		return nil, err
	}
	after, err := functions(b)
	if err != nil {
		return nil, err
	}
	taken := make([]bool, len(after))
	match := make([]int, len(before))
	for i, f := range before {
		match[i] = slices.IndexFunc(after, func(g function) bool { return g.Name == f.Name })
		if match[i] >= 0 {
			taken[match[i]] = true
		}
	}
	var list []Program
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
			list = append(list, Program{Name: f.Name, State: Removed})
			continue
		}
		if p, ok := compare(f, after[match[i]]); ok {
			list = append(list, p)
		}
	}
	for j, g := range after {
		if !taken[j] {
			list = append(list, Program{Name: g.Name, State: Added})
		}
	}
	return list, nil
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

func variables(a, b *elf.Object) ([]Entry, error) {
	before, err := a.Variables()
	if err != nil {
		return nil, err
	}
	after, err := b.Variables()
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, v := range before {
		i := slices.IndexFunc(after, func(w elf.Variable) bool { return w.Name == v.Name })
		if i < 0 {
			list = append(list, Entry{Name: v.Name, State: Removed})
			continue
		}
		w := after[i]
		e := Entry{Name: v.Name, State: Changed}
		e.Changes = change(e.Changes, "section", v.Section, w.Section)
		e.Changes = change(e.Changes, "type", elf.TypeName(v.Type), elf.TypeName(w.Type))
		e.Changes = change(e.Changes, "size", fmt.Sprint(v.Size), fmt.Sprint(w.Size))
		e.Changes = change(e.Changes, "value", initial(v), initial(w))
		if len(e.Changes) > 0 {
			list = append(list, e)
		}
	}
	for _, w := range after {
		if !slices.ContainsFunc(before, func(v elf.Variable) bool { return v.Name == w.Name }) {
			list = append(list, Entry{Name: w.Name, State: Added})
		}
	}
	return list, nil
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

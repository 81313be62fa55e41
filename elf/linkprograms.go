package elf

import (
	"slices"

	"github.com/cilium/ebpf"
)

// setPrograms gives the programs back what their sections say, or what the hook wants. The
// kernel demands one kind of program in a program array, and so tail programs are of the
// kind of those that enter them.
func (l *link) setPrograms(spec *ebpf.CollectionSpec) error {
	l.joinCatchers(spec.Programs)
	kinds := make(map[*linkedFunc]Program)
	for _, e := range l.callersFirst() {
		main, tail := kinds[e.f]
		if !tail {
			main = e.kind()
		}
		reached, _ := l.runs(e.f)
		for _, f := range reached {
			if err := l.setProgram(spec, f, e, main, kinds); err != nil {
				return err
			}
		}
	}
	for _, f := range l.funcs { // of maps that no instruction names
		if _, set := kinds[f]; !set {
			if err := l.setProgram(spec, f, l.selected[0], l.selected[0].kind(), kinds); err != nil {
				return err
			}
		}
	}
	return nil
}

// kind is what a selected program is loaded as.
func (e selection) kind() Program {
	p := e.f.fn.program()
	if t := e.s.Type; t != ebpf.UnspecifiedProgram && t != p.Type {
		p.Type, p.AttachType, p.Flags, p.AttachTo = t, ebpf.AttachNone, 0, ""
	}
	return p
}

// setProgram has a program that an entry runs be of the kind of main.
func (l *link) setProgram(spec *ebpf.CollectionSpec, f *linkedFunc, e selection, main Program, kinds map[*linkedFunc]Program) error {
	if f.place != placeEntry || f.catches {
		return nil
	}
	if was, set := kinds[f]; set {
		if was.Type != main.Type || was.AttachType != main.AttachType || was.Flags != main.Flags {
			return faultIn(f.fn.section.Name, 0, "program %q: tail calls of programs %q and %q come to it, which are of other kinds", f.fn.name, was.Name, main.Name)
		}
		return nil
	}
	p := spec.Programs[f.name]
	switch {
	case p == nil:
		return faultIn(f.fn.section.Name, 0, "program %q cannot be decoded", f.fn.name)
	case f.name != f.fn.name:
		return faultIn(f.fn.section.Name, 0, "another function is called %q too", f.fn.name)
	case f != e.f:
		if err := l.o.checkType(f.fn, Selector{Type: main.Type, Force: e.s.Force}); err != nil {
			return err
		}
	}
	if l.incomplete {
		l.complete(p.Instructions)
	}
	p.SectionName = f.fn.section.Name
	p.Type, p.AttachType, p.Flags, p.AttachTo = main.Type, main.AttachType, main.Flags, main.AttachTo
	kinds[f] = main
	return nil
}

// runs returns a function and those that a run of it may come to, by calls and tail calls,
// and the program arrays on the way.
func (l *link) runs(entry *linkedFunc) (reached []*linkedFunc, arrays []*linkedMap) {
	seen := make(map[*linkedFunc]bool)
	add := func(f *linkedFunc) {
		if f != nil && !seen[f] {
			seen[f] = true
			reached = append(reached, f)
		}
	}
	used := make(map[*linkedMap]bool)
	programs := l.programs()
	add(entry)
	for i := 0; i < len(reached); i++ {
		for _, r := range reached[i].refs {
			add(r.fn)
			if r.m == nil || used[r.m] || r.m.def.Type != ebpf.ProgramArray {
				continue
			}
			used[r.m] = true
			arrays = append(arrays, r.m)
			for _, s := range r.m.def.Contents {
				add(programs[s.Name])
			}
		}
	}
	return reached, arrays
}

// programs are those of the image by name.
func (l *link) programs() map[string]*linkedFunc {
	all := make(map[string]*linkedFunc, l.entries)
	for _, f := range l.funcs {
		if f.place == placeEntry {
			all[f.name] = f
		}
	}
	return all
}

// callersFirst puts selected programs that others of them run behind those.
func (l *link) callersFirst() []selection {
	callees := make(map[*linkedFunc]bool)
	if len(l.selected) > 1 {
		for _, e := range l.selected {
			reached, _ := l.runs(e.f)
			for _, f := range reached[1:] {
				callees[f] = true
			}
		}
	}
	order := slices.Clone(l.selected)
	slices.SortStableFunc(order, func(a, b selection) int {
		switch {
		case callees[a.f] == callees[b.f]:
			return 0
		case callees[b.f]:
			return -1
		}
		return 1
	})
	return order
}

// selectedEntries describes the selected programs.
func (l *link) selectedEntries() (all []Entry) {
	for _, e := range l.selected {
		entry := Entry{Program: e.f.name}
		_, arrays := l.runs(e.f)
		for _, m := range arrays {
			entry.Arrays = append(entry.Arrays, m.sym.name)
		}
		all = append(all, entry)
	}
	return all
}

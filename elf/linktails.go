package elf

import (
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
)

// addTails adds the programs of slots that the caller names, and refuses an
// "ID/KEY" section that would be left out of the load without a word.
func (l *link) addTails(tails []TailCall) error {
	for _, t := range tails {
		fn, err := l.o.findByName(Selector{Program: t.Program})
		if err != nil {
			return err
		}
		l.enter(fn)
	}
	for _, t := range l.o.tails() {
		if l.byFunc[t.fn] != nil {
			continue
		}
		if _, err := l.o.tailMap(t); err != nil {
			return err
		}
	}
	return nil
}

// fillTails puts the programs that the caller names into a map.
func (l *link) fillTails(m *linkedMap, tails []TailCall) error {
	for _, t := range tails {
		if t.Map != m.sym.name {
			continue
		}
		fail := func(format string, args ...any) error {
			return faultIn(m.sym.section.Name, 0, "tail call to map %q key %d: ", t.Map, t.Key).and(format, args...)
		}
		switch {
		case m.def.Type != ebpf.ProgramArray:
			return fail("it is of type %s, not a program array", kernelname.Map(m.def.Type))
		case t.Key >= m.def.MaxEntries:
			return fail("it has %d entries", m.def.MaxEntries)
		}
		slots := slices.DeleteFunc(m.def.Contents, func(s Slot) bool { return s.Key == t.Key })
		m.def.Contents = append(slots, Slot{t.Key, t.Program})
	}
	return nil
}

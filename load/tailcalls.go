package load

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// A liveSlot is an element of a program array that others may be using: it
// changes last of all, when nothing is left that could be refused.
type liveSlot struct {
	array   string // the map's name
	m       *ebpf.Map
	key     uint32
	program *ebpf.Program
}

// liveSlots change together or not at all.
type liveSlots []liveSlot

// write sets every slot. After an error those that were set are as before.
func (all liveSlots) write() error {
	before := make([]*ebpf.Program, len(all))
	defer func() {
		for _, p := range before {
			p.Close()
		}
	}()
	for i, s := range all {
		var err error
		if before[i], err = s.swap(); err == nil {
			continue
		}
		err = &Error{Map: s.array, Err: fmt.Errorf("set element %d: %w", s.key, kernelname.Refusal(err))}
		for j := i - 1; j >= 0; j-- {
			err = errors.Join(err, all[j].restore(before[j]))
		}
		return err
	}
	return nil
}

// swap sets the slot and returns what was in it, nil for nothing.
func (s liveSlot) swap() (*ebpf.Program, error) {
	old, err := s.now()
	if err != nil {
		return nil, err
	}
	if err := s.m.Put(s.key, s.program); err != nil {
		old.Close()
		return nil, err
	}
	return old, nil
}

// now is the program in the slot. One that another process has replaced before it
// could be opened is gone, and there is another.
func (s liveSlot) now() (old *ebpf.Program, err error) {
	for range 16 {
		err = s.m.Lookup(s.key, &old)
		switch {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			return nil, nil
		case !errors.Is(err, os.ErrNotExist):
			return old, err
		}
	}
	return nil, err
}

func (s liveSlot) restore(old *ebpf.Program) error {
	if old == nil {
		return s.m.Delete(s.key)
	}
	return s.m.Put(s.key, old)
}

var errFrozen = errors.New("the map is frozen: its elements cannot change")

// checkArray finds out before anything is loaded whether a program array that
// was there before will take the programs.
func checkArray(m *ebpf.Map, name string, want ebpf.ProgramType) error {
	owner, frozen, err := prog.ArrayState(m)
	switch {
	case err != nil: // without /proc the kernel's own refusal has to do
	case owner != ebpf.UnspecifiedProgram && owner != want:
		return &prog.OwnerError{Array: name, Have: owner, Want: want}
	case frozen:
		return fmt.Errorf("%s: %w", name, errFrozen)
	}
	return nil
}

// own has every program array that nothing pins kept alive for the selected programs that
// use it: the kernel empties it when its last file descriptor and pin are gone.
func (l *Loaded) own() error {
	for i := range l.Entries {
		if err := l.ownFor(&l.Entries[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loaded) ownFor(e *Entry) error {
	var owner *pin.Owner
	for _, m := range l.Maps {
		if m.Type() != ebpf.ProgramArray || m.Pin != "" || !slices.Contains(e.arrays, m.Name) {
			continue
		}
		if err := l.pins.begin(); err != nil {
			return &Error{Map: m.Name, Err: fmt.Errorf("tail calls end with the last pin, so the program array has to be pinned: %w", err)}
		}
		if owner == nil {
			o := e.Owner()
			owner = &o
		}
		if err := l.pins.txn.Pin(l.pins.fs.OwnedPath(*owner, m.ID), m.Map); err != nil {
			return &Error{Map: m.Name, Err: err}
		}
	}
	return nil
}

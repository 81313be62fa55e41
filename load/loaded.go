package load

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// Loaded is what a load made. Nothing of it is seen outside until Publish
// makes its pins visible; attach then, and Commit. Close takes back what is
// not committed and closes the file descriptors; the kernel keeps what is
// attached or pinned by then. It is for one goroutine.
type Loaded struct {
	Programs []*prog.Program // the selected programs first
	Maps     []*Map          // by name
	Entries  []Entry         // the selected programs, each once, in the order of the selectors
	// Warnings are what was ignored, with file and line.
	Warnings []string

	names   []string // of the programs in the object
	options Options
	obj     *elf.Object
	pins    *pins
	live    liveSlots
	detours []*Error // what was left to cilium/ebpf, and why
}

// An Entry is a program that was selected.
type Entry struct {
	*prog.Program
	Name string // as the object says it: the kernel keeps 15 bytes
	Pin  string // the path at which it is, or is to be, pinned; "" for none

	arrays []string // the program arrays that it may come to
}

// Program returns the selected program, the first of several.
func (l *Loaded) Program() *prog.Program { return l.Programs[0] }

// ProgramNamed returns the program with that name in the object, nil if the load has
// none.
func (l *Loaded) ProgramNamed(name string) *prog.Program {
	i := slices.Index(l.names, name)
	if i < 0 {
		return nil
	}
	return l.Programs[i]
}

// Map returns the map with that name in the object, nil if the load has none.
func (l *Loaded) Map(name string) *Map {
	i := slices.IndexFunc(l.Maps, func(m *Map) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return l.Maps[i]
}

// Transaction is that of the pins, which is begun if it has not: what else is to be
// pinned together with them can be added.
func (l *Loaded) Transaction() (*pin.Txn, error) {
	err := l.pins.begin()
	return l.pins.txn, err
}

// Attaching notes that the program is about to be attached: see [pin.Txn.Attaching].
func (l *Loaded) Attaching() error {
	if l.pins.txn == nil {
		return nil
	}
	return l.pins.txn.Attaching(l.Program().Owner())
}

// Publish makes the pins of the load visible, all or none. The error is a
// [*pin.ConflictError] when another load was first: load again then.
func (l *Loaded) Publish(ctx context.Context) error {
	if err := l.own(); err != nil {
		return err
	}
	return l.pins.publish(ctx)
}

// Commit makes the pins permanent, and has the programs take their slots in
// the program arrays that were there before the load: call it when the program
// is attached. After an error those slots are as they were.
func (l *Loaded) Commit() error {
	if err := l.live.write(); err != nil {
		return err
	}
	return l.pins.commit()
}

// Close takes back the pins that are not committed, and closes every program
// and map of the load.
func (l *Loaded) Close() error {
	errs := []error{l.pins.rollback()}
	for _, p := range l.Programs {
		errs = append(errs, p.Close())
	}
	for _, m := range l.Maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// Error says which part of an object was refused. It wraps the reason,
// an [*ebpf.VerifierError] where the verifier is the one who refused.
type Error struct {
	Program string // empty for a map
	Map     string // empty for a program
	Err     error  // the reason
}

func (e *Error) Error() string {
	if e.Map != "" {
		return fmt.Sprintf("map %s: %v", e.Map, e.Err)
	}
	v, rejected := errors.AsType[*ebpf.VerifierError](e.Err)
	switch {
	case !rejected:
		return fmt.Sprintf("program %s: %v", e.Program, e.Err)
	case len(v.Log) == 0: // it was not the verifier
		return fmt.Sprintf("program %s: %v", e.Program, v.Cause)
	}
	text := fmt.Sprintf("program %s: rejected by the verifier (%v)", e.Program, v.Cause)
	if cause, source := verdict(v.Log); source != "" {
		text += ": " + cause + ", at: " + source
	} else if cause != "" {
		text += ": " + cause
	}
	return text
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

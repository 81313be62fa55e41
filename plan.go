package xdpload

import (
	"context"

	"github.com/xdpload/xdpload/elf"
)

// A Plan says what shall run where. It is a value: nothing happens until [Apply].
type Plan struct {
	// Source is what shall run there; nil takes off what is there.
	Source *Source
	// Hook is the place, and how the program comes there.
	Hook Hook
}

// A Source is where the program of plans comes from: an object, which is loaded
// once for all plans that share the Source, or a program that is open. With
// neither, the hook itself says what runs: classic BPF.
//
// It is not safe for concurrent use.
type Source struct {
	Object  *elf.Object
	Options LoadOptions
	Program *Program // stays the caller's

	loaded    *Loaded
	committed bool // its pins are there to stay
}

// Load has the kernel verify the program, if it was not done yet. [Apply] does
// so itself; a caller who knows what is next can have it done before its turn.
// Nothing of it is seen outside.
func (s *Source) Load(ctx context.Context) (err error) {
	if s.Object == nil || s.loaded != nil {
		return nil
	}
	s.loaded, err = Load(ctx, s.Object, s.Options)
	return err
}

// Loaded is what was made of the object, nil before, after an error, and for a
// program that was open. It is closed with the Source.
func (s *Source) Loaded() *Loaded { return s.loaded }

// Close closes what was loaded, and takes back what of it was not attached. The
// Source can be used again, and then loads anew.
func (s *Source) Close() error {
	l := s.loaded
	if l == nil {
		return nil
	}
	s.loaded, s.committed = nil, false
	return l.Close()
}

// program is nil for classic BPF, and to take off.
func (s *Source) program() *Program {
	switch {
	case s == nil:
		return nil
	case s.loaded != nil:
		return s.loaded.Program()
	}
	return s.Program
}

// uncommitted is what is still to be published and committed, nil for nothing.
func (s *Source) uncommitted() *Loaded {
	if s == nil || s.committed {
		return nil
	}
	return s.loaded
}

// attaching notes that what is published is about to run.
func (s *Source) attaching() error {
	l := s.uncommitted()
	if l == nil || l.pins.txn == nil {
		return nil
	}
	return l.pins.txn.Attaching(l.Program().owner())
}

// does says whether a program that is attached does the same.
func (s *Source) does(attached ProgramInfo) (bool, error) {
	switch {
	case s.loaded != nil:
		return s.loaded.does(attached)
	case s.Program != nil:
		return s.Program.does(attached)
	}
	return true, nil // classic BPF, which the hook has compared
}

// An Outcome is what became of one plan.
type Outcome struct {
	Device  string // empty for a block of filters that qdiscs share
	Ifindex int
	// Attachment is what is there now, and after taking off what was there; nil
	// if that was nothing, and if Err or Undone is set.
	Attachment *Attachment
	// Gone is the program that ran there before and does no more, nil if none.
	Gone *ProgramInfo
	// Undone says that the kernel took the change, which was then taken back
	// because another plan was refused: see [ApplyOptions].
	Undone bool
	// Err is a refusal: see [Attach] and [Detach] for its kinds.
	Err error
}

// Changed reports whether the hook is not as it was before.
func (o Outcome) Changed() bool {
	return o.Err == nil && !o.Undone && o.Attachment != nil && !o.Attachment.Unchanged
}

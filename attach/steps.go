package attach

import (
	"context"
)

// A move is a plan on its way.
type move struct {
	steps
	place int // of its plan, among all
	// old is the program in the place that the move takes, 0 for none.
	old uint32
	// keepAt is where the plan has it pinned, empty for nowhere, and kept the one that was.
	keepAt string
	kept   uint32
	// idle reports that there is nothing to do.
	idle bool
	made bool // by the kernel
	Outcome
}

// steps are what a hook does for a plan, in the order in which the engine asks for
// it. The type that has them keeps what they find out.
type steps interface {
	// look finds the place of a move, and what is in it. It comes again when
	// someone else was faster.
	look(e *session, m *move) error
	// candidates are the programs in the place, for a plan that lets one be
	// that does the same; nil for another.
	candidates(e *session, m *move) []*Attachment
	// put asks the kernel for the change. A nil error is a change that was made.
	put(e *session, m *move) error
	// took looks whether the kernel has made the change of a move that it was
	// asked for, but whose answer could not be read, and notes what it finds.
	took(e *session, m *move) (bool, error)
	// again reports whether a refusal comes from someone else's change, so that
	// another look and another try may end better.
	again(e *session, m *move, err error) bool
	// confirm completes the outcome: where the kernel has put the program, or what
	// is in the way where it refused.
	confirm(e *session, m *move)
	// undo gives the place of a made move exactly what it had.
	undo(e *session, m *move) error
}

// A staged change comes to be when pins are published, or does not need to.
type staged interface {
	stage(*session) error
	refused() error // of the kernel, once it was published
	drop()          // what is not to stay
	close()
}

// A particular change does not leave every program alone that does the same.
type particular interface {
	leaves(*Attachment) error
}

// Those of several moves can have their requests in flight together.
type inFlight interface {
	putAll(ctx context.Context, e *session, all []*move) []error
}

// Those of several moves are confirmed by one list of the kernel's.
type together interface {
	confirmAll(e *session, all []*move)
}

// once is for steps that are done when the kernel has answered.
type once struct{}

func (once) candidates(*session, *move) []*Attachment { return nil }

func (once) again(*session, *move, error) bool { return false }

func (once) confirm(*session, *move) {}

package attach

import "context"

// A move is a plan on its way.
type move struct {
	steps
	plan *Plan
	// old is the program in the place that the move takes, 0 for none.
	old uint32
	// idle reports that there is nothing to do.
	idle bool
	made bool // by the kernel
	Outcome
}

func newMove(p *Plan) *move {
	m := &move{plan: p, steps: p.Hook.steps(p.Source == nil)}
	m.Ifindex = p.Hook.ifindex()
	return m
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
	// put asks the kernel for the changes of moves that have these steps. A nil
	// error is a change that was made.
	put(ctx context.Context, e *session, all []*move) []error
	// took looks whether the kernel has made the change of a move that it was
	// asked for, but whose answer could not be read, and notes what it finds.
	took(e *session, m *move) (bool, error)
	// again reports whether a refusal comes from someone else's change, so that
	// another look and another try may end better.
	again(e *session, m *move, err error) bool
	// confirm completes the outcomes: where the kernel has put the programs, and
	// what is in the way where it refused.
	confirm(e *session, all []*move)
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

// oneByOne is put for a hook of which no two requests are in flight.
func oneByOne(ctx context.Context, all []*move, put func(*move) error) []error {
	errs := make([]error, len(all))
	for i, m := range all {
		if errs[i] = ctx.Err(); errs[i] == nil {
			errs[i] = put(m)
		}
	}
	return errs
}

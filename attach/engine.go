package attach

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"golang.org/x/sys/unix"
)

// An engine carries out the plans of one source.
type engine struct {
	*session
	moves []*move
	same  map[uint32]bool // whether a program that is attached does the same, by its id
}

// run is the whole way. Each line is a stage.
func (e *engine) run(ctx context.Context) error {
	e.resolve()
	if e.settled() {
		return nil
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	if err := e.leaveAlone(); err != nil {
		return err
	}
	if len(e.pending()) == 0 {
		return nil
	}
	e.saveAll()
	if err := e.publish(ctx); err != nil {
		return err
	}
	if u := e.uncommitted(); u != nil {
		if err := u.Attaching(); err != nil {
			return errors.Join(err, e.undo(e.moves))
		}
	}
	e.put(ctx)
	if err := e.checkKept(); err != nil {
		return errors.Join(err, e.undo(e.moves))
	}
	e.confirm()
	if err := e.takeBack(ctx); err != nil || !e.changed() {
		return errors.Join(err, e.rollback())
	}
	if err := e.commit(); err != nil {
		return errors.Join(err, e.undo(e.moves), e.rollback())
	}
	e.noteKept()
	return nil
}

// resolve looks at every hook.
func (e *engine) resolve() {
	for _, m := range e.moves {
		if m.Err == nil {
			m.Err = m.look(e.session, m)
		}
	}
}

// settled reports whether all is known already, because nothing can be done or
// nothing may.
func (e *engine) settled() bool {
	if e.Atomic && e.refused() {
		return true
	}
	return len(e.pending()) == 0
}

// pending are the moves with which something is still to be done.
func (e *engine) pending() (todo []*move) {
	for _, m := range e.moves {
		if m.Err == nil && !m.idle && !m.made {
			todo = append(todo, m)
		}
	}
	return todo
}

func (e *engine) refused() bool {
	return slices.ContainsFunc(e.moves, func(m *move) bool { return m.Err != nil })
}

func (e *engine) changed() bool {
	return slices.ContainsFunc(e.moves, func(m *move) bool { return m.made })
}

func (e *engine) load(ctx context.Context) error {
	if e.source == nil {
		return nil
	}
	return e.source.Load(ctx)
}

// leaveAlone finds the hooks that run the like already, where that is enough.
func (e *engine) leaveAlone() error {
	for _, m := range e.pending() {
		if err := e.leaveOne(m); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) leaveOne(m *move) error {
	for _, a := range m.candidates(e.session, m) {
		same, err := e.does(m, a)
		if err != nil {
			return err
		}
		if !same {
			continue
		}
		if s, ok := m.steps.(particular); ok {
			if m.Err = s.leaves(a); m.Err != nil {
				return nil
			}
		}
		a.Unchanged = true
		m.Attachment, m.idle = a, true
		return nil
	}
	return nil
}

// does reports whether what is attached does the same, and asks once of each program.
func (e *engine) does(m *move, a *Attachment) (bool, error) {
	if nameless(a) {
		e.warn(fmt.Errorf("%s: whether program id %d does the same cannot be told without CAP_SYS_ADMIN", m.Device, a.Program.ID))
	}
	same, ok := e.same[a.Program.ID]
	if ok {
		return same, nil
	}
	same, err := e.source.Does(a.Program)
	if err == nil {
		e.same[a.Program.ID] = same
	}
	return same, err
}

// saveAll opens what is to be replaced, so that it can be compared with and put
// back. What is gone already was replaced since, and is looked at again.
func (e *engine) saveAll() {
	for _, m := range e.pending() {
		m.Err = e.saveOne(m)
	}
}

// anew is for a move whose hook was looked at again: what someone else has put there
// since may do the same.
func (e *engine) anew(m *move) error {
	if err := e.leaveOne(m); err != nil || m.Err != nil || m.idle {
		return errors.Join(err, m.Err)
	}
	return e.saveOne(m)
}

func (e *engine) saveOne(m *move) error {
	for range attempts {
		if m.old == 0 {
			return nil
		}
		err := e.save(m.old)
		if !errors.Is(err, errGone) {
			return err
		}
		if err := m.look(e.session, m); err != nil || m.idle {
			return err
		}
	}
	return errUnsettled
}

// publish makes the pins of the load visible, and with them the programs that are kept and
// the bpf_links that are new, which attaches what they hold.
func (e *engine) publish(ctx context.Context) (err error) {
	var links []staged
	for _, m := range e.pending() {
		if err := e.stageKept(m); err != nil {
			return err
		}
		if s, ok := m.steps.(staged); ok {
			links = append(links, s)
			if err := s.stage(e.session); err != nil {
				return err
			}
		}
	}
	if u := e.uncommitted(); u != nil {
		err = u.Publish(ctx)
	}
	for _, s := range links {
		if refused := s.refused(); refused != nil {
			return refused
		}
	}
	return err
}

// put has the kernel make the changes, and tries those again that others were
// faster with.
func (e *engine) put(ctx context.Context) {
	todo := e.pending()
	for range attempts {
		if todo = e.round(ctx, todo); len(todo) == 0 {
			return
		}
	}
	for _, m := range todo {
		m.Err = errUnsettled
	}
}

// round returns the moves that are to be tried again.
func (e *engine) round(ctx context.Context, todo []*move) (again []*move) {
	for len(todo) > 0 {
		group := alike(todo)
		todo = todo[len(group):]
		for i, err := range e.putGroup(ctx, group) {
			m := group[i]
			if m.made, err = e.happened(m, err); m.made {
				continue
			}
			switch {
			case m.again(e.session, m, err):
				if m.Err = e.anew(m); m.Err == nil && !m.idle {
					again = append(again, m)
				}
			default:
				m.Err = err
			}
		}
		if e.InOrder && e.stopAtRefusal() {
			return nil
		}
	}
	return again
}

func (e *engine) putGroup(ctx context.Context, group []*move) []error {
	if s, ok := group[0].steps.(inFlight); ok {
		return s.putAll(ctx, e.session, group)
	}
	errs := make([]error, len(group))
	for i, m := range group {
		if errs[i] = ctx.Err(); errs[i] == nil {
			errs[i] = m.put(e.session, m)
		}
	}
	return errs
}

// alike are the first moves of a list whose requests can be in flight together.
func alike(all []*move) []*move {
	kind := reflect.TypeOf(all[0].steps)
	n := slices.IndexFunc(all, func(m *move) bool { return reflect.TypeOf(m.steps) != kind })
	if n < 0 {
		return all
	}
	return all[:n]
}

// stopAtRefusal takes back what was in flight behind a move that was refused.
func (e *engine) stopAtRefusal() bool {
	n := slices.IndexFunc(e.moves, func(m *move) bool { return m.Err != nil })
	if n < 0 {
		return false
	}
	behind := e.moves[n+1:]
	err := e.undo(behind)
	e.moves[n].Err = errors.Join(e.moves[n].Err, err)
	for _, m := range behind {
		if m.Err == nil {
			m.Undone, m.Err = false, ErrNotTried
		}
	}
	return true
}

// confirm asks the kernel for the rest of what is to be told.
func (e *engine) confirm() {
	for todo := slices.DeleteFunc(slices.Clone(e.moves), func(m *move) bool { return !m.made && (m.Err == nil || m.steps == nil) }); len(todo) > 0; {
		group := alike(todo)
		todo = todo[len(group):]
		if s, ok := group[0].steps.(together); ok {
			s.confirmAll(e.session, group)
			continue
		}
		for _, m := range group {
			m.confirm(e.session, m)
		}
	}
}

// takeBack undoes all that was made where all or nothing was asked for. Its error
// says so of a context that has ended.
func (e *engine) takeBack(ctx context.Context) error {
	if !e.Atomic || !e.refused() {
		return nil
	}
	err := e.undo(e.moves)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// undo goes backwards, and does not stop halfway.
func (e *engine) undo(moves []*move) error {
	var errs []error
	for _, m := range slices.Backward(moves) {
		if !m.made {
			continue
		}
		err := e.undoOne(m)
		m.made, m.Attachment, m.Gone, m.Undone = false, nil, nil, true
		if err == nil || errors.Is(err, unix.ENODEV) { // the device is gone
			continue
		}
		m.Undone, m.Err = false, fmt.Errorf("what was there before could not be put back: %w", err)
		errs = append(errs, fmt.Errorf("%s: %w", m.Device, m.Err))
	}
	slices.Reverse(errs)
	return errors.Join(errs...)
}

// rollback takes back what was published or is yet to be, when nothing runs it.
func (e *engine) rollback() error {
	if u := e.uncommitted(); u != nil {
		return u.Close()
	}
	return nil
}

// commit makes pins and slots of program arrays permanent.
func (e *engine) commit() error {
	if u := e.uncommitted(); u != nil {
		return u.Commit()
	}
	return nil
}

// release lets go of what was kept alive for programs that ran before. Plans that
// take programs off also let go of what an earlier release could not.
func (e *engine) release(ctx context.Context) {
	seen := make(map[uint32]bool)
	for _, m := range e.moves {
		if m.made && m.Gone != nil && !seen[m.Gone.ID] {
			seen[m.Gone.ID] = true
			if err := Release(ctx, e.conn, e.Root, *m.Gone); err != nil {
				e.warn(err) // what is asked for is done, and a later release or pin gc finds what stays
			}
		}
	}
	if e.source == nil {
		if err := releaseDead(e.Root); err != nil {
			e.warn(err)
		}
	}
}

// dropLinks is for a load of which nothing is to stay.
func (e *engine) dropLinks() {
	for _, m := range e.moves {
		if s, ok := m.steps.(staged); ok {
			s.drop()
		}
	}
}

func (e *engine) close() {
	for _, m := range e.moves {
		if s, ok := m.steps.(staged); ok {
			s.close()
		}
	}
	e.forget()
}

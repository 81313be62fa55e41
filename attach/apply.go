package attach

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// Options say how plans are applied together.
type Options struct {
	// Atomic takes everything back when a plan is refused, or when the context
	// ends: every hook has what it had before, compared and swapped where the
	// kernel can. What others have put there in the meantime stays, and is that
	// plan's error. Atomic plans share one Source.
	Atomic bool
	// InOrder keeps plans behind one that is refused from being carried out.
	InOrder bool
	// Root is the BPF file system on which arrays are kept alive, see [Release];
	// [pin.DefaultRoot] if empty.
	Root string
	// Known is what the caller has looked up already, nil for nothing.
	Known *Inventory
	// Warn, if not nil, is told what failed after the kernel had taken a change,
	// which is no reason to say that it had not.
	Warn func(error)
}

// ErrNotTried is the error of plans behind one that was refused.
var ErrNotTried = errors.New("not tried, because one before it was refused")

var errAtomicSources = errors.New("atomic plans must share one source")

// attempts bounds how often what someone else has changed first is tried again.
const attempts = 16

var errUnsettled = errors.New("others change the attached program faster than it can be replaced")

// Apply carries plans out, those of one Source together and the Sources in the
// order in which they first come. It looks at the hooks before it loads
// anything, loads what is not loaded yet, publishes pins, changes the hooks with
// many requests in flight, and commits. The outcomes are in the order of the
// plans; one that is refused does not keep the others from being carried out,
// but for what the options say.
//
// An error is that of a Source as a whole, and says that none of its plans has
// changed anything, and no pin and no slot of a pinned program array either;
// those of the Sources behind it are not tried. When another load pins one of the maps at the
// same time, the load begins anew and reuses that map.
//
// A process that is killed leaves no pin of an unfinished load, see [pin.Txn]. If it
// is killed after the attach and before every slot of a pinned program array
// is written, the new program is attached and calls the old programs of the other
// slots: nothing undoes that but the same plan, applied again.
//
// Arrays that were kept alive for a program that a hook ran before are let
// go, see [Release]. The caller closes the Sources.
func Apply(ctx context.Context, c *netlink.Conn, plans []Plan, o Options) ([]Outcome, error) {
	if o.Known == nil {
		o.Known = new(Inventory)
	}
	sources := sourcesOf(plans)
	if o.Atomic && len(sources) > 1 {
		return nil, errAtomicSources
	}
	out := make([]Outcome, len(plans))
	for i := range out {
		out[i].Err = ErrNotTried
	}
	for _, s := range sources {
		done, err := applySource(ctx, c, s, plans, o)
		for i, outcome := range done {
			out[i] = *outcome
		}
		if err != nil || o.InOrder && refused(out, done) {
			return out, err
		}
	}
	return out, nil
}

func sourcesOf(plans []Plan) (all []Source) {
	seen := make(map[Source]bool)
	for i := range plans {
		if s := plans[i].Source; !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	return all
}

func refused(out []Outcome, done map[int]*Outcome) bool {
	for i := range done {
		if out[i].Err != nil {
			return true
		}
	}
	return false
}

// applySource applies the plans of one source, and returns their outcomes by
// their place among all.
func applySource(ctx context.Context, c *netlink.Conn, s Source, plans []Plan, o Options) (map[int]*Outcome, error) {
	for attempt := 1; ; attempt++ {
		e := &engine{conn: c, source: s, Options: o, saved: make(map[uint32]int)}
		done := make(map[int]*Outcome)
		for i := range plans {
			if plans[i].Source == s {
				m := newMove(&plans[i])
				e.moves = append(e.moves, m)
				done[i] = &m.Outcome
			}
		}
		err := e.run(ctx)
		if err != nil {
			e.dropLinks()
		}
		e.close() // or what is to be released would be in use
		if err == nil {
			e.release(ctx)
			return done, nil
		}
		err = errors.Join(err, e.abandon())
		if _, raced := errors.AsType[*pin.ConflictError](err); !raced || attempt == attempts {
			for _, outcome := range done {
				*outcome = Outcome{Device: outcome.Device, Ifindex: outcome.Ifindex, Err: err}
			}
			return done, err
		}
	}
}

// abandon closes a load of which nothing is to stay.
func (e *engine) abandon() error {
	if u := e.uncommitted(); u != nil {
		return u.Close()
	}
	return nil
}

// uncommitted is nil for a program that comes with nothing to publish.
func (e *engine) uncommitted() Uncommitted {
	if e.source == nil {
		return nil
	}
	return e.source.Uncommitted()
}

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
	look(e *engine, m *move) error
	// candidates are the programs in the place, for a plan that lets one be
	// that does the same; nil for another.
	candidates(e *engine, m *move) []*Attachment
	// put asks the kernel for the changes of moves that have these steps. A nil
	// error is a change that was made.
	put(ctx context.Context, e *engine, all []*move) []error
	// took looks whether the kernel has made the change of a move that it was
	// asked for, but whose answer could not be read, and notes what it finds.
	took(e *engine, m *move) (bool, error)
	// again reports whether a refusal comes from someone else's change, so that
	// another look and another try may end better.
	again(e *engine, m *move, err error) bool
	// confirm completes the outcomes: where the kernel has put the programs, and
	// what is in the way where it refused.
	confirm(e *engine, all []*move)
	// undo gives the place of a made move exactly what it had.
	undo(e *engine, m *move) error
}

// An engine carries out the plans of one source.
type engine struct {
	Options
	conn   *netlink.Conn
	source Source
	moves  []*move
	// saved are descriptors of what ran before, by id: they keep it until it is
	// sure that nothing is put back. -1 is one that may not be opened.
	saved map[uint32]int
	txn   *pin.Txn // of bpf_links of a program that has no load, nil without
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
	e.keep()
	if err := e.publish(ctx); err != nil {
		return err
	}
	if u := e.uncommitted(); u != nil {
		if err := u.Attaching(); err != nil {
			return errors.Join(err, e.undo(e.moves))
		}
	}
	e.put(ctx)
	e.confirm()
	if err := e.takeBack(ctx); err != nil || !e.changed() {
		return errors.Join(err, e.rollback())
	}
	if err := e.commit(); err != nil {
		return errors.Join(err, e.undo(e.moves), e.rollback())
	}
	return nil
}

// resolve looks at every hook.
func (e *engine) resolve() {
	for _, m := range e.moves {
		m.Err = m.look(e, m)
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

// program is what the hooks shall run, nil for nothing and for classic BPF.
func (e *engine) program() *prog.Program {
	if e.source == nil {
		return nil
	}
	return e.source.Program()
}

// leaveAlone finds the hooks that run the like already, where that is enough.
func (e *engine) leaveAlone() error {
	known := make(map[uint32]bool)
	for _, m := range e.pending() {
		for _, a := range m.candidates(e, m) {
			same, ok := known[a.Program.ID]
			if !ok {
				var err error
				if same, err = e.source.Does(a.Program); err != nil {
					return err
				}
				known[a.Program.ID] = same
			}
			if !same {
				continue
			}
			if f, ok := m.steps.(*filterSteps); ok {
				if m.Err = f.leaves(a); m.Err != nil {
					break
				}
			}
			a.Unchanged = true
			m.Attachment, m.idle = a, true
			break
		}
	}
	return nil
}

// keep opens what is to be replaced, so that it can be compared with and put
// back. What is gone already was replaced since, and is looked at again.
func (e *engine) keep() {
	for _, m := range e.pending() {
		m.Err = e.keepOne(m)
	}
}

func (e *engine) keepOne(m *move) error {
	for range attempts {
		if m.old == 0 {
			return nil
		}
		err := e.save(m.old)
		if !errors.Is(err, errGone) {
			return err
		}
		if err := m.look(e, m); err != nil || m.idle {
			return err
		}
	}
	return errUnsettled
}

// publish makes the pins of the load visible, and with them the bpf_links that
// are new, which attaches what they hold.
func (e *engine) publish(ctx context.Context) (err error) {
	var links []*linkSteps
	for _, m := range e.pending() {
		if s, ok := m.steps.(*linkSteps); ok {
			links = append(links, s)
			if err := s.stage(e); err != nil {
				return err
			}
		}
	}
	switch l := e.uncommitted(); {
	case l != nil:
		err = l.Publish(ctx)
	case e.txn != nil:
		err = e.txn.Publish(ctx)
	}
	for _, s := range links {
		if s.refusal != nil {
			return s.refusal
		}
	}
	return err
}

// transaction is what pins a new bpf_link, together with the maps of the load.
func (e *engine) transaction(path string) (*pin.Txn, error) {
	if l := e.uncommitted(); l != nil {
		return l.Transaction()
	}
	if e.txn != nil {
		return e.txn, nil
	}
	fs, err := pin.Open(rootOf(path))
	if err != nil {
		return nil, err
	}
	e.txn, err = fs.Begin()
	return e.txn, err
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
		for i, err := range group[0].put(ctx, e, group) {
			m := group[i]
			if m.made, err = e.happened(m, err); m.made {
				continue
			}
			switch {
			case m.again(e, m, err):
				if m.Err = e.keepAgain(m); m.Err == nil && !m.idle {
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

// keepAgain is for a hook that was looked at again.
func (e *engine) keepAgain(m *move) error {
	if m.idle {
		return nil
	}
	return e.keepOne(m)
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
	for todo := slices.DeleteFunc(slices.Clone(e.moves), func(m *move) bool { return !m.made && m.Err == nil }); len(todo) > 0; {
		group := alike(todo)
		todo = todo[len(group):]
		group[0].confirm(e, group)
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

// rollback takes back what was published, when nothing runs it.
func (e *engine) rollback() error {
	if e.txn != nil {
		return e.txn.Rollback()
	}
	return e.abandon()
}

// commit makes pins and slots of program arrays permanent.
func (e *engine) commit() error {
	l := e.uncommitted()
	switch {
	case l != nil:
		return l.Commit()
	case e.txn != nil:
		return e.txn.Commit()
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

func (e *engine) warn(err error) {
	if e.Warn != nil {
		e.Warn(err)
	}
}

package attach

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// ErrNotTried is the error of plans behind one that was refused.
var ErrNotTried = errors.New("not tried, because one before it was refused")

var errAtomicSources = errors.New("atomic plans must share one source")

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
//
// Devices are those of the network namespace of c. Where bpf(2) is to be asked for what
// the calling thread's namespace decides, and that is another one, the Sources and
// functions that the options have are called on another thread, one that is there.
func Apply(ctx context.Context, c *netlink.Conn, plans []Plan, o Options) ([]Outcome, error) {
	if o.Known == nil {
		o.Known = new(Inventory)
	}
	o.Known.links = nil // which come and go
	sources := sourcesOf(plans)
	if o.Atomic && len(sources) > 1 {
		return nil, errAtomicSources
	}
	out := make([]Outcome, len(plans))
	for i := range out {
		out[i].Err = ErrNotTried
	}
	for _, s := range sources {
		e, err := applySource(ctx, c, s, plans, o)
		for _, m := range e.moves {
			out[m.place] = m.Outcome
		}
		if err != nil || o.InOrder && e.refused() {
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

// applySource applies the plans of one source, and returns the engine that has done so.
func applySource(ctx context.Context, c *netlink.Conn, s Source, plans []Plan, o Options) (e *engine, err error) {
	for attempt := 1; ; attempt++ {
		e = &engine{
			session: &session{conn: c, source: s, Options: o, saved: make(map[uint32]int)},
			same:    make(map[uint32]bool),
		}
		for i := range plans {
			if plans[i].Source == s {
				m := newMove(e.session, &plans[i])
				m.place, m.keepAt = i, plans[i].Keep
				e.Atomic = e.Atomic || m.keepAt != ""
				e.moves = append(e.moves, m)
			}
		}
		err = e.inNetNS(func() error { return e.run(ctx) })
		if err != nil {
			e.dropLinks()
		}
		e.close() // or what is to be released would be in use
		if err == nil {
			e.release(ctx)
			return e, nil
		}
		err = errors.Join(err, e.rollback())
		if attempt == attempts || !e.overtaken(err) {
			for _, m := range e.moves {
				m.Outcome = Outcome{Device: m.Device, Ifindex: m.Ifindex, Err: err}
			}
			return e, err
		}
		time.Sleep(time.Duration(attempt) * time.Millisecond) // the other one may not be done yet
	}
}

// overtaken reports whether another attempt may end otherwise: someone else has pinned
// first, or replaced a program that was to be kept, or a bpf_link is where a new one is to be, which the kernel frees some time after
// its last pin and descriptor are gone.
func (e *engine) overtaken(err error) bool {
	if _, conflict := errors.AsType[*pin.ConflictError](err); conflict || errors.Is(err, errKeptAnother) {
		return true
	}
	links := slices.ContainsFunc(e.moves, func(m *move) bool { _, link := m.steps.(*linkSteps); return link })
	x, occupied := errors.AsType[*OccupiedError](err)
	return links && occupied && errors.Is(err, unix.EBUSY) &&
		slices.ContainsFunc(x.Attachments, func(a *Attachment) bool { return a.Link != nil })
}

// newMove has no steps where there is nowhere to go.
func newMove(e *session, p *Plan) *move {
	m := new(move)
	if m.Ifindex, m.Err = e.Known.place(e.conn, p.Hook); m.Err != nil {
		m.Device, _ = p.Hook.device()
		return m
	}
	at := p.Hook.at(m.Ifindex)
	hook, ok := at.(linkHook)
	switch {
	case p.Link == "" || p.Source == nil:
		m.steps = at.steps(p)
	case !ok:
		m.Err = &os.PathError{Op: opPinLink, Path: p.Link, Err: errNoLinks()}
	default:
		m.steps = &linkSteps{Plan: p, hook: hook}
	}
	return m
}

// inNetNS calls run where bpf(2) finds the devices of the hooks.
func (e *engine) inNetNS(run func() error) error {
	local := func(m *move) bool {
		_, ok := m.steps.(interface{ local() })
		return ok
	}
	if !slices.ContainsFunc(e.moves, local) {
		return run()
	}
	return e.conn.InNetNS(run)
}

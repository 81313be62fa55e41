package xdpload

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// Clsacts is the hook of a classifier on several devices, which run one and the
// same program. A device that refuses does not keep the others from it, unless
// Atomic.
type Clsacts struct {
	// Hooks has one for each device, as [Clsact.Find] returned it.
	Hooks []Clsact
	// Atomic takes everything back when a device refuses, or when the context
	// ends: filters that were added go, and with them the qdiscs that were
	// created; filters that were replaced are as they were, but for what their
	// actions have counted. The kernel cannot compare and swap filters: what
	// others put into their place stays if it is seen in time.
	Atomic bool
}

// ProgramType is [ebpf.SchedCLS].
func (Clsacts) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

func (h Clsacts) over(c *netlink.Conn, p *Program) change {
	r := &row{Clsacts: h, conn: c, program: p, held: make(map[uint32]int)}
	for _, hook := range h.Hooks {
		r.out = append(r.out, Outcome{Device: hook.Device, Ifindex: hook.Filter.Ifindex})
	}
	return r
}

// A row is the filters of several devices on their way.
type row struct {
	Clsacts
	conn    *netlink.Conn
	program *Program
	held    map[uint32]int // descriptors of programs that may have to be put back, by id
	out     []Outcome
}

func (r *row) outcomes() []Outcome { return r.out }

func (r *row) close() {
	for _, fd := range r.held {
		_ = sys.Close(fd)
	}
}

func (r *row) leaveAlone(same func(ProgramInfo) (bool, error)) (err error) {
	for i := range r.out {
		if r.out[i].Attachment, err = alreadyAttached(r.conn, r.Hooks[i], same); err != nil {
			return err
		}
	}
	return nil
}

func (r *row) idle() bool {
	for i := range r.out {
		if r.out[i].Attachment == nil {
			return false
		}
	}
	return true
}

func (r *row) run(ctx context.Context) error {
	refused := false
	for i := range r.out {
		o := &r.out[i]
		if o.Attachment != nil {
			continue
		}
		if o.Err = ctx.Err(); o.Err == nil {
			o.Err = r.hold(&r.Hooks[i])
		}
		if o.Err == nil {
			o.Attachment, o.Err = r.Hooks[i].attach(r.conn, r.program)
		}
		if o.Err != nil {
			refused = true
			continue
		}
		o.Gone = o.Attachment.Replaced
	}
	if !r.Atomic || !refused {
		return nil
	}
	err := r.undo()
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// hold keeps the program of the filter that is to be replaced.
func (r *row) hold(h *Clsact) error {
	if h.target == nil || h.target.old == nil || h.target.old.BPF == nil {
		return nil
	}
	id := h.target.old.BPF.ProgramID
	if _, ok := r.held[id]; ok || id == 0 {
		return nil
	}
	fd, err := sys.ProgramByID(id)
	switch {
	case err == nil:
		r.held[id] = fd
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission) && !r.Atomic: // it was replaced since, or cannot be put back
	default:
		return err
	}
	return nil
}

func (r *row) undo() error {
	var errs []error
	for i := range r.out {
		o := &r.out[i]
		if !o.Changed() {
			continue
		}
		if err := r.takeBack(&r.Hooks[i], o.Attachment); err != nil && !errors.Is(err, unix.ENODEV) {
			o.Err = fmt.Errorf("what was there before could not be put back: %w", err)
			errs = append(errs, fmt.Errorf("%s: %w", o.Device, o.Err))
		}
		o.Undone, o.Attachment, o.Gone = o.Err == nil, nil, nil
	}
	return errors.Join(errs...)
}

var errNotOurs = errors.New("another filter has taken its place since")

// takeBack removes a filter, or has it be what it was.
func (r *row) takeBack(h *Clsact, a *Attachment) error {
	f := a.Filter.Filter
	now := h.existing(r.conn, f)
	if now == nil || now.BPF == nil || now.BPF.ProgramID != a.Program.ID {
		return errNotOurs
	}
	if was := a.Filter.Was; was != nil {
		return r.restore(*was)
	}
	err := r.conn.DeleteFilter(&netlink.Filter{
		Ifindex: f.Ifindex, Parent: f.Parent, Block: f.Block, Chain: f.Chain,
		Pref: f.Pref, Protocol: f.Protocol, Handle: f.Handle, Kind: f.Kind,
	})
	if err == nil && a.Filter.QdiscCreated {
		h.undo(r.conn)
	}
	return err
}

func (r *row) restore(was netlink.Filter) error {
	options := *was.BPF
	if options.ProgramID != 0 {
		fd, ok := r.held[options.ProgramID]
		if !ok {
			return fmt.Errorf("program id %d was not kept", options.ProgramID)
		}
		options.FD = fd
	}
	was.BPF = &options
	_, err := r.conn.ReplaceFilter(&was)
	return err
}

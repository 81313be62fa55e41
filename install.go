package xdpload

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// Install loads a program of an object, publishes its pins, attaches it to the
// hook, and commits. An error leaves what was attached, every pin and every slot of a
// pinned program array as they were. When another load pins one of the maps at
// the same time, the load begins anew and reuses that map.
//
// A process that is killed leaves no pin of an unfinished load, see [pin.Txn]. If it
// is killed after the attach and before every slot of a pinned program array
// is written, the new program is attached and calls the old programs of the other
// slots: nothing undoes that but the same Install, done again.
//
// Arrays that were kept alive for a program that the hook ran before are let
// go, see [Release]. The caller closes the result.
//
// Where an idempotent hook has a program that does the same, nothing is published
// and nothing changes: see [Attachment].
func Install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hook) (*Loaded, *Attachment, error) {
	for attempt := 1; ; attempt++ {
		l, a, err := install(ctx, c, obj, o, h)
		o.Ahead = nil // it is used, or closed
		if _, raced := errors.AsType[*pin.ConflictError](err); raced && attempt < attempts {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if a.Replaced != nil {
			_ = Release(ctx, c, o.Pins.Root, *a.Replaced) // the new program runs; pin gc finds what stays
		}
		return l, a, nil
	}
}

func install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hook) (_ *Loaded, a *Attachment, err error) {
	l, err := Load(ctx, obj, o)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if a, err = l.prepare(c, h); a != nil || err != nil {
		return l, a, err
	}
	if err := l.Publish(ctx); err != nil {
		return nil, nil, err
	}
	a, err = l.attach(c, h)
	return l, a, err
}

// attach puts the program on the hook and commits. When the commit fails, the
// hook gets back what it had.
func (l *Loaded) attach(c *netlink.Conn, h Hook) (*Attachment, error) {
	before, err := l.hold(c, h)
	if err != nil {
		return nil, err
	}
	defer before.close()
	a, err := attach(c, l.Program(), h)
	if err != nil {
		return nil, err
	}
	if err := l.Commit(); err != nil {
		return nil, errors.Join(err, before.restore(c, h, a))
	}
	return a, nil
}

// held are programs that a device runs, by id. An open descriptor keeps each
// when another takes its place.
type held map[uint32]*Program

// hold keeps what a failed commit would have to put back: nothing without
// pins, because then a commit cannot fail.
func (l *Loaded) hold(c *netlink.Conn, h Hook) (held, error) {
	if l.pins.txn == nil && len(l.live) == 0 {
		return nil, nil
	}
	all := make(held)
	for a, err := range Attachments(c, deviceOf(h)) {
		if err != nil {
			all.close()
			return nil, err
		}
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(a.Program.ID))
		if err == nil { // else it is gone since, or not to be opened
			all[a.Program.ID] = &Program{ProgramInfo: a.Program, prog: p}
		}
	}
	return all, nil
}

func (all held) close() {
	for _, p := range all {
		p.Close()
	}
}

// restore takes off what was attached, or puts what it replaced in its place.
// A bpf_link that is new goes with its pin.
func (all held) restore(c *netlink.Conn, h Hook, a *Attachment) error {
	if _, isNew := byLink(h); isNew || a.Link != nil && a.Replaced == nil {
		return nil
	}
	place := placeOf(h, a)
	if a.Replaced == nil {
		_, err := Detach(c, place)
		return err
	}
	old := all[a.Replaced.ID]
	if old == nil {
		return fmt.Errorf("%s runs the new program, and program id %d cannot be put back", a.Device, a.Replaced.ID)
	}
	_, err := Attach(c, old, place)
	return err
}

func deviceOf(h Hook) int {
	switch h := h.(type) {
	case XDP:
		return h.Ifindex
	case Clsact:
		return h.Filter.Ifindex
	case TCX:
		return h.Ifindex
	case Netkit:
		return h.Ifindex
	}
	return 0 // all devices
}

// placeOf is the hook that an attachment has taken, to be replaced there.
func placeOf(h Hook, a *Attachment) Hook {
	id := ProgramID(a.Program.ID)
	switch x := h.(type) {
	case XDP:
		if a.Link == nil {
			return XDP{Ifindex: a.Ifindex, Mode: a.Mode, Replace: true}
		}
	case Clsact:
		return Clsact{Filter: a.Filter.Filter, Op: FilterReplace}
	case TCX:
		x.Order = Order{Anchor: Replace(id), Which: id}
		return x
	case Netkit:
		x.Order = Order{Anchor: Replace(id), Which: id}
		return x
	}
	return h
}

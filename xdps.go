package xdpload

import (
	"context"
	"errors"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// XDPs is the XDP hook of several devices, which run one and the same program.
// A device that refuses does not keep the others from it, unless Atomic.
type XDPs struct {
	// Links are the devices, each once, as [netlink.Conn.Links] lists them.
	Links []*netlink.Link
	// Mode, Replace and Idempotent are for each device what they are for [XDP].
	Mode       netlink.XDPMode
	Replace    bool
	Idempotent bool
	// Atomic takes everything back when a device refuses, or when the context
	// ends: each device has what it had before, put back by compare-and-swap
	// with the very program that it ran. What others have put there in the
	// meantime stays, and is that device's error.
	Atomic bool
}

// An Outcome is what became of one device of several.
type Outcome struct {
	Device  string
	Ifindex int
	// Attachment is what is there now, and after a detach what was there; nil
	// if that was nothing, and if Err or Undone is set.
	Attachment *Attachment
	// Gone is the program that the device ran before and runs no more, nil if
	// none.
	Gone *ProgramInfo
	// Undone says that the device took the change, which was then taken back
	// because another did not: see XDPs.Atomic.
	Undone bool
	// Err is of the same kinds as those of [Attach] and [Detach].
	Err error
}

// Changed reports whether the device is not as it was before.
func (o Outcome) Changed() bool {
	return o.Err == nil && !o.Undone && o.Attachment != nil && !o.Attachment.Unchanged
}

// Hooks are the same hook of several devices: an [XDPs] or a [Clsacts] literal.
type Hooks interface {
	// ProgramType is the type of the programs that the hooks run.
	ProgramType() ebpf.ProgramType

	// over begins a change; p is nil to detach, and for classic BPF.
	over(c *netlink.Conn, p *Program) change
}

// A change of several devices is made, and then kept or taken back.
type change interface {
	// leaveAlone finds the devices that run the like already, if that is enough.
	leaveAlone(same func(ProgramInfo) (bool, error)) error
	// idle reports that nothing is left to do.
	idle() bool
	// run makes the changes. An error says that all of them were taken back.
	run(ctx context.Context) error
	// undo gives each device what it had, unless others have changed it since.
	undo() error
	outcomes() []Outcome
	close()
}

// ProgramType is [ebpf.XDP].
func (XDPs) ProgramType() ebpf.ProgramType { return ebpf.XDP }

func (h XDPs) over(c *netlink.Conn, p *Program) change { return newFleet(c, h, p) }

// InstallEach is [Install] for several devices: one load, and then an attach to
// each. The outcomes are in the order of the devices. An error is none of a
// device, and says that nothing has changed.
//
// The result of the load is nil when no device has changed: then nothing of it
// stays. Otherwise the caller closes it.
func InstallEach(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hooks) (*Loaded, []Outcome, error) {
	for attempt := 1; ; attempt++ {
		l, all, err := installEach(ctx, c, obj, o, h)
		o.Ahead = nil // it is used, or closed
		if _, raced := errors.AsType[*pin.ConflictError](err); raced && attempt < attempts {
			continue
		}
		if err == nil && l != nil {
			_ = ReleaseEach(ctx, c, o.Pins.Root, all) // the new program runs; pin gc finds what stays
		}
		return l, all, err
	}
}

func installEach(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hooks) (_ *Loaded, _ []Outcome, err error) {
	l, err := Load(ctx, obj, o)
	if err != nil {
		return nil, nil, err
	}
	f := h.over(c, l.Program())
	defer f.close()
	keep := false
	defer func() {
		if !keep {
			err = errors.Join(err, l.Close())
		}
	}()
	if err := f.leaveAlone(l.does); err != nil {
		return nil, nil, err
	}
	if f.idle() {
		return nil, f.outcomes(), nil
	}
	if err := l.Publish(ctx); err != nil {
		return nil, nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, nil, err
	}
	all := f.outcomes()
	if !slices.ContainsFunc(all, Outcome.Changed) {
		return nil, all, nil
	}
	if err := l.Commit(); err != nil {
		return nil, nil, errors.Join(err, f.undo())
	}
	keep = true
	return l, all, nil
}

// AttachEach is [Attach] for several devices. See [InstallEach] for the
// outcomes and the error.
func AttachEach(ctx context.Context, c *netlink.Conn, p *Program, h Hooks) ([]Outcome, error) {
	f := h.over(c, p)
	defer f.close()
	if p != nil {
		if err := f.leaveAlone(p.does); err != nil {
			return nil, err
		}
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	return f.outcomes(), nil
}

// DetachEach is [Detach] for several devices. See [InstallEach] for the
// outcomes and the error. Where nothing is attached there is nothing to refuse.
func DetachEach(ctx context.Context, c *netlink.Conn, h XDPs) ([]Outcome, error) {
	return AttachEach(ctx, c, nil, h)
}

// ReleaseEach is [Release] for the programs that were replaced or detached.
func ReleaseEach(ctx context.Context, c *netlink.Conn, root string, all []Outcome) error {
	var errs []error
	seen := make(map[uint32]bool)
	for i := range all {
		if gone := all[i].Gone; gone != nil && !seen[gone.ID] {
			seen[gone.ID] = true
			errs = append(errs, Release(ctx, c, root, *gone))
		}
	}
	return errors.Join(errs...)
}

package xdpload

import (
	"errors"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// XDP is the hook at which a device runs a program on each packet that it
// receives, before the network stack.
type XDP struct {
	Ifindex int
	// Seen is the device as it was found, nil for not yet: then the first
	// attempt to replace or to detach need not ask for it. What has changed
	// since is noticed.
	Seen *netlink.Link
	// Mode is where the program runs. Any: to attach, native where the driver
	// can and generic elsewhere; to detach, wherever a program is.
	Mode netlink.XDPMode
	// Replace lets Attach take a program of the same mode off the hook, with
	// no moment in between in which neither runs. It is compared and swapped:
	// Attachment.Replaced is what was taken off, unless it is Uncompared.
	Replace bool
	// Link is a path on a BPF file system: the program is held by a bpf_link
	// that is pinned there, and taken off with that pin. Replace then lets
	// Attach put the program into the link that is pinned there already.
	Link string
	// LinkID has Detach take off what this bpf_link holds: it holds nothing
	// from then on. Without it, what a bpf_link holds is an [*OccupiedError].
	LinkID uint32
	// Idempotent has Attach change nothing if a program that does the same is
	// on the hook already: see [Attachment].
	Idempotent bool
}

// attempts bounds how often a swap is tried again because someone else
// swapped first.
const attempts = 16

var errUnsettled = errors.New("others change the attached program faster than it can be replaced")

// ProgramType is [ebpf.XDP].
func (XDP) ProgramType() ebpf.ProgramType { return ebpf.XDP }

func (h XDP) attach(c *netlink.Conn, p *Program) (*Attachment, error) {
	replaced, err := h.set(c, p)
	switch {
	case err != nil:
		return nil, h.explain(c, p, err)
	case replaced != nil: // a program takes another's place in the same mode only
		replaced.Program = p.ProgramInfo
		return replaced, nil
	}
	return h.attached(c, p)
}

// attached asks the kernel where it put the program.
func (h XDP) attached(c *netlink.Conn, p *Program) (*Attachment, error) {
	a := &Attachment{Ifindex: h.Ifindex, Mode: h.Mode, Program: p.ProgramInfo}
	l, err := c.LinkByIndex(h.Ifindex)
	if err != nil {
		return nil, err
	}
	a.Device = l.Name
	for _, x := range l.XDP.Programs {
		if x.ID == p.ID {
			a.Mode = x.Mode
		}
	}
	return a, nil
}

// set attaches. If that replaced a program, it returns the attachment, without
// the new program.
func (h XDP) set(c *netlink.Conn, p *Program) (*Attachment, error) {
	if !h.Replace {
		return nil, c.SetXDP(h.Ifindex, netlink.XDP{FD: p.FD(), Mode: h.Mode, NoReplace: true})
	}
	for range attempts {
		now, err := h.current(c)
		if err != nil {
			return nil, err
		}
		replaced, compared, err := h.swap(c, p.FD(), now.Program.ID)
		if err == nil && replaced == nil {
			return nil, nil
		}
		if err == nil {
			now.Program, now.Replaced, now.Uncompared = ProgramInfo{}, replaced, !compared
			return now, nil
		}
		if !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if again, linkErr := h.current(c); linkErr != nil || again.Program.ID == now.Program.ID {
			// Nobody swapped first. Without an expectation the kernel says
			// what is in the way, instead of that it did not expect it.
			return nil, c.SetXDP(h.Ifindex, netlink.XDP{FD: p.FD(), Mode: h.Mode, NoReplace: true})
		}
	}
	return nil, errUnsettled
}

// current is what the hook has now: of the program the id only, 0 if none.
func (h *XDP) current(c *netlink.Conn) (*Attachment, error) {
	l, err := h.look(c)
	if err != nil {
		return nil, err
	}
	now := &Attachment{Ifindex: h.Ifindex, Device: l.Name, Mode: h.Mode}
	for _, x := range l.XDP.Programs {
		if x.Mode == h.Mode || (h.Mode == netlink.XDPAny && x.Mode != netlink.XDPOffload) {
			now.Mode, now.Program.ID = x.Mode, x.ID
			break
		}
	}
	return now, nil
}

// look finds the device. What was seen before is believed once.
func (h *XDP) look(c *netlink.Conn) (*netlink.Link, error) {
	if l := h.Seen; l != nil {
		h.Seen = nil
		return l, nil
	}
	return c.LinkByIndex(h.Ifindex)
}

// swap puts fd, -1 for nothing, in the place of the program with the id old,
// 0 for nothing, and of no other. Without the privilege to open that program
// there is nothing to compare with. One that is gone is os.ErrNotExist.
func (h XDP) swap(c *netlink.Conn, fd int, old uint32) (_ *ProgramInfo, compared bool, err error) {
	x := netlink.XDP{FD: fd, Mode: h.Mode, NoReplace: old == 0}
	if old == 0 {
		return nil, true, c.SetXDP(h.Ifindex, x)
	}
	info := ProgramInfo{ID: old}
	oldFD, err := sys.ProgramByID(old)
	switch {
	case err == nil:
		defer sys.Close(oldFD)
		x.ExpectedFD = &oldFD
		if known, err := infoByFD(oldFD, old); err == nil {
			info = known
		}
	case !errors.Is(err, os.ErrPermission):
		return nil, false, err
	}
	return &info, x.ExpectedFD != nil, c.SetXDP(h.Ifindex, x)
}

func (h XDP) detach(c *netlink.Conn) (*Attachment, error) {
	if h.LinkID != 0 {
		return h.detachLink(c)
	}
	for range attempts {
		l, err := h.look(c)
		if err != nil {
			return nil, err
		}
		found := slices.DeleteFunc(slices.Clone(l.XDP.Programs), func(p netlink.XDPProgram) bool { return !h.is(p.Mode) })
		if len(found) == 0 {
			return nil, nil
		}
		if len(found) > 1 {
			return nil, &AmbiguousError{Device: l.Name, Attachments: h.on(l)}
		}
		one, id := XDP{Ifindex: h.Ifindex, Mode: found[0].Mode}, found[0].ID
		p, compared, err := one.swap(c, -1, id)
		if err == nil {
			return &Attachment{Ifindex: l.Index, Device: l.Name, Mode: one.Mode, Program: *p, Uncompared: !compared}, nil
		}
		if now, linkErr := one.current(c); linkErr != nil || now.Program.ID == id {
			return nil, one.explain(c, nil, err)
		}
	}
	return nil, errUnsettled
}

// on lists what the hook has on a device, in every mode for [netlink.XDPAny].
func (h XDP) on(l *netlink.Link) []*Attachment {
	var known Inventory
	return slices.DeleteFunc(known.XDP(l), func(a *Attachment) bool { return !h.is(a.Mode) })
}

// is reports whether the hook is that of a program that runs in a mode.
func (h XDP) is(m netlink.XDPMode) bool { return h.Mode == netlink.XDPAny || h.Mode == m }

// explain adds to a refusal what is on the hook, or why the program does not
// suit it where the kernel keeps that to itself.
func (h XDP) explain(c *netlink.Conn, p *Program, err error) error {
	var refused *netlink.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case errors.Is(err, os.ErrExist):
		l, linkErr := c.LinkByIndex(h.Ifindex)
		if linkErr != nil {
			return err
		}
		var known Inventory
		return &OccupiedError{Device: l.Name, Attachments: known.XDP(l), Err: err}
	case refused.Errno() == unix.EINVAL && refused.Message == "":
		return h.unsuitable(p, err)
	}
	return err
}

// unsuitable gives the reason of an EINVAL that comes without a sentence.
func (h XDP) unsuitable(p *Program, err error) error {
	switch {
	case p != nil && p.Type != ebpf.XDP:
		return &UnsuitableError{Cause: "a program of type " + p.Type.String() + " cannot run on the XDP hook", Err: err}
	case h.Mode == netlink.XDPOffload:
		return &UnsuitableError{Cause: noOffload, Offload: true, Type: ebpf.XDP, Err: err}
	}
	return err
}

const noOffload = "the device's driver has no BPF offload"

package attach

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// This file is what the steps of a bpf_link ask of the XDP hook: see linkHook.

func (h XDP) list(e *session) (programList, error) {
	l, err := e.conn.LinkByIndex(h.Ifindex)
	if err != nil {
		return programList{}, err
	}
	known := &Inventory{links: xdpLinks()}
	for _, own := range e.links {
		if info, err := sys.InfoOfLink(own.fd); err == nil {
			known.links[linkPlace{uint32(info.Ifindex), info.Program}] = own.LinkInfo
		}
	}
	return programList{hook: hookXDP, device: l.Name, programs: known.XDP(l)}, nil
}

func (h XDP) fresh(e *session, m *move) *Attachment {
	return &Attachment{Ifindex: h.Ifindex, Device: m.Device, Mode: h.Mode, Program: e.program().Info}
}

// ready refuses nothing: the kernel says what is in the way of a new link.
func (XDP) ready(programList) error { return nil }

// current takes every list: the hook has no revisions.
func (XDP) current(string, programList) error { return nil }

// keeps refuses another mode than the link's.
func (h XDP) keeps(_ programList, a *Attachment) error {
	if h.is(a.Mode) {
		return nil
	}
	return &HookError{Op: opAttach, Hook: hookXDP, Err: unix.EBUSY, Cause: fmt.Sprintf(
		"bpf_link %d is for another mode, %v, and an update cannot move it to %v", a.Link.ID, a.Mode, h.Mode)}
}

func (h XDP) inPlace(on programList) []*Attachment {
	return slices.DeleteFunc(slices.Clone(on.programs), func(a *Attachment) bool { return !h.is(a.Mode) })
}

// create attaches by a new link. Unlike a program, a link never takes the
// place of one (net/core/dev.c, dev_xdp_attach).
func (h XDP) create(e *session) (*Link, error) {
	flags := map[netlink.XDPMode]uint32{
		netlink.XDPNative:  unix.XDP_FLAGS_DRV_MODE,
		netlink.XDPGeneric: unix.XDP_FLAGS_SKB_MODE,
		netlink.XDPOffload: unix.XDP_FLAGS_HW_MODE,
	}[h.Mode]
	p := e.program()
	attach := func() (*Link, error) {
		return linkOf(sys.CreateLink(h.Ifindex, sys.AttachXDP, p.FD(), sys.Place{Flags: flags}))
	}
	l, err := attach()
	var says string
	if err != nil && !errors.Is(err, os.ErrPermission) {
		says = overhear(func() { l, err = attach() })
	}
	if err != nil {
		return nil, h.explainLink(e.conn, p, &HookError{Op: opAttach, Hook: hookXDP, Message: says, Err: err})
	}
	return l, nil
}

// explainLink gives the reasons that the kernel does not tell.
func (h XDP) explainLink(c *netlink.Conn, p *prog.Program, refused *HookError) error {
	switch {
	case errors.Is(refused, os.ErrExist):
		l, err := c.LinkByIndex(h.Ifindex)
		if err != nil {
			return refused
		}
		if l.XDP.Attached() {
			refused.Cause = "a program is attached, whose place a bpf_link cannot take"
		}
		return &OccupiedError{Device: l.Name, Attachments: new(Inventory).XDP(l), Err: refused}
	case refused.Message != "":
	case errors.Is(refused, unix.EOPNOTSUPP) && h.Mode == netlink.XDPNative:
		refused.Cause = "the driver cannot run XDP programs"
	case errors.Is(refused, unix.EINVAL):
		switch {
		case p.Type != ebpf.XDP:
			return h.unsuitable(p, refused)
		case h.Mode == netlink.XDPOffload:
			return h.unsuitable(nil, refused)
		}
		refused.Cause = "the driver refuses the program, as it does one whose buffers are too small for the MTU; without link it says why"
	}
	return refused
}

package xdpload

import (
	"errors"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// hookXDP is the XDP hook's name in errors of bpf(2).
const hookXDP = "xdp"

func (h XDP) linkPath() (path string, update bool) { return h.Link, h.Replace }

func (h XDP) attachments(c *netlink.Conn) ([]*Attachment, error) {
	l, err := c.LinkByIndex(h.Ifindex)
	if err != nil {
		return nil, err
	}
	return h.on(l), nil
}

// keeps allows every update: the hook has one place.
func (XDP) keeps(*netlink.Conn, *Attachment) error { return nil }

func (h XDP) candidates(c *netlink.Conn) ([]*Attachment, error) {
	if !h.Idempotent {
		return nil, nil
	}
	return h.attachments(c)
}

// create attaches by a new link. Unlike a program, a link never takes the
// place of one (net/core/dev.c, dev_xdp_attach).
func (h XDP) create(c *netlink.Conn, p *Program) (int, error) {
	flags := map[netlink.XDPMode]uint32{
		netlink.XDPNative:  unix.XDP_FLAGS_DRV_MODE,
		netlink.XDPGeneric: unix.XDP_FLAGS_SKB_MODE,
		netlink.XDPOffload: unix.XDP_FLAGS_HW_MODE,
	}[h.Mode]
	fd, err := sys.CreateLink(h.Ifindex, sys.AttachXDP, p.FD(), sys.Place{Flags: flags})
	if err != nil {
		return -1, h.explainLink(c, p, err)
	}
	return fd, nil
}

// explainLink gives the reasons that the kernel has for the extended
// acknowledgement of netlink only.
func (h XDP) explainLink(c *netlink.Conn, p *Program, err error) error {
	refused := &HookError{Op: opAttach, Hook: hookXDP, Err: err}
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST):
		l, linkErr := c.LinkByIndex(h.Ifindex)
		if linkErr != nil {
			return refused
		}
		refused.Cause = "a program is attached, whose place a bpf_link cannot take"
		var known Inventory
		return &OccupiedError{Device: l.Name, Attachments: known.XDP(l), Err: refused}
	case errors.Is(err, unix.EOPNOTSUPP) && h.Mode == netlink.XDPNative:
		refused.Cause = "the driver cannot run XDP programs"
	case errors.Is(err, unix.EINVAL):
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

func (h XDP) detachLink(c *netlink.Conn) (*Attachment, error) {
	all, err := h.attachments(c)
	if err != nil {
		return nil, err
	}
	on := programList{hook: hookXDP, programs: all}
	i, err := on.find(LinkID(h.LinkID))
	if err != nil {
		return nil, err
	}
	return on.programs[i], detachLink(h.LinkID)
}

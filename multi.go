package xdpload

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// Order is what the hooks that run several programs, [TCX] and [Netkit], are told
// about one of them.
type Order struct {
	// Anchor is where Attach puts the program; nil is Last.
	Anchor Anchor
	// Revision, if not 0, has Attach and Detach refuse unless the hook is at
	// that revision: see [MultiInfo].
	Revision uint64
	// Link is a path on a BPF file system: the program is held by a bpf_link
	// that is pinned there, and taken off with that pin. Empty: the program
	// itself is attached, and stays until it is detached.
	Link string
	// Update lets Attach put the program into the link that is pinned at Link
	// already.
	Update bool
	// Idempotent has Attach change nothing if a program that does the same is
	// in the place already: see [Attachment].
	Idempotent bool
	// Which program Detach takes off; the zero value is the only one.
	Which Ref
}

// MultiInfo is what an [Attachment] has on a hook that runs several programs.
type MultiInfo struct {
	Hook     string // "tcx/ingress", "tcx/egress", "netkit/primary" or "netkit/peer"
	Position int    // from 0, in the order in which they run
	// Revision is the hook's, which the kernel increments with each change.
	Revision uint64
}

// multi is such a hook of a device (kernel/bpf/mprog.c).
type multi struct {
	ifindex int
	point   sys.AttachType
	Order
}

func (m multi) name() string {
	switch m.point {
	case sys.TCXIngress:
		return "tcx/ingress"
	case sys.TCXEgress:
		return "tcx/egress"
	case sys.NetkitPrimary:
		return "netkit/primary"
	default:
		return "netkit/peer"
	}
}

// list asks what is on the hook.
func (m multi) list(device string, known *Inventory) (programList, error) {
	running, revision, err := sys.QueryPrograms(m.ifindex, m.point)
	if err != nil && !errors.Is(err, unix.ENOENT) { // ENOENT: never had a program, on some kernels
		return programList{}, err
	}
	out := programList{hook: m.name(), revision: revision}
	for i, r := range running {
		a := &Attachment{
			Ifindex: m.ifindex, Device: device, Program: known.Program(r.Program),
			Multi: &MultiInfo{Hook: m.name(), Position: i, Revision: revision},
		}
		if r.Link != 0 {
			a.Link = &LinkInfo{ID: r.Link}
		}
		out.programs = append(out.programs, a)
	}
	return out, nil
}

// now is what the hook is about to be changed from.
func (m multi) now(c *netlink.Conn, op string) (programList, error) {
	dev, err := c.LinkByIndex(m.ifindex)
	if err != nil {
		return programList{}, err
	}
	on, err := m.list(dev.Name, new(Inventory))
	if err != nil {
		return on, m.explain(c, op, err)
	}
	if m.Revision != 0 && m.Revision != on.revision {
		return on, m.stale(op, on.revision)
	}
	return on, nil
}

// check tells whether attach would find its hook and its place.
func (m multi) check(c *netlink.Conn) error {
	on, err := m.now(c, opAttach)
	if err != nil || m.Idempotent {
		return err
	}
	_, err = m.spot(on)
	return err
}

func (m multi) spot(on programList) (spot, error) {
	at, err := m.anchor().resolve(on)
	at.Revision = m.Revision
	return at, err
}

func (m multi) anchor() Anchor {
	if m.Anchor == nil {
		return Last()
	}
	return m.Anchor
}

func (m multi) attach(c *netlink.Conn, p *Program) (*Attachment, error) {
	for range attempts {
		on, err := m.now(c, opAttach)
		if err != nil {
			return nil, err
		}
		at, err := m.spot(on)
		if err != nil {
			return nil, err
		}
		err = m.put(p, at)
		if err == nil {
			return m.attached(c, p, at.replaced)
		}
		if !errors.Is(err, errOvertaken) {
			return nil, m.explain(c, opAttach, err)
		}
	}
	return nil, errUnsettled
}

func (m multi) put(p *Program, at spot) error {
	old := at.replaced
	switch {
	case old == nil:
		return sys.AttachProgram(m.ifindex, m.point, p.FD(), 0, at.Place)
	case old.Link != nil:
		fd, err := sys.LinkByID(old.Link.ID)
		if err != nil {
			return err
		}
		defer sys.Close(fd)
		return swapLink(fd, p, old.Program.ID)
	}
	fd, err := sys.ProgramByID(old.Program.ID)
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	return sys.AttachProgram(m.ifindex, m.point, p.FD(), fd, at.Place)
}

// attached asks the kernel where it put the program.
func (m multi) attached(c *netlink.Conn, p *Program, replaced *Attachment) (*Attachment, error) {
	m.Revision = 0
	on, err := m.now(c, opAttach)
	if err != nil {
		return nil, err
	}
	i, err := on.find(ProgramID(p.ID))
	if err != nil {
		return nil, err // taken off by someone else, since
	}
	a := on.programs[i]
	if replaced != nil {
		a.Replaced = &replaced.Program
	}
	return a, nil
}

func (m multi) detach(c *netlink.Conn) (*Attachment, error) {
	on, err := m.now(c, opDetach)
	if err != nil {
		return nil, err
	}
	which, err := m.Which.opened()
	if err != nil {
		return nil, err
	}
	i, err := on.find(which)
	if err != nil {
		return nil, err
	}
	a := on.programs[i]
	switch {
	case a.Link == nil:
		err = m.remove(a.Program.ID)
	case which.kind == refLink:
		err = detachLink(a.Link.ID)
	default:
		err := &HookError{Op: opDetach, Hook: m.name(), Cause: "a bpf_link holds the program", Err: unix.EBUSY}
		return nil, &OccupiedError{Device: a.Device, Attachments: []*Attachment{a}, Err: err}
	}
	if err != nil {
		return nil, m.explain(c, opDetach, err)
	}
	return a, nil
}

func (m multi) remove(program uint32) error {
	fd, err := sys.ProgramByID(program)
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	return sys.DetachProgram(m.ifindex, m.point, fd, m.Revision)
}

// create attaches by a new link.
func (m multi) create(c *netlink.Conn, p *Program) (int, error) {
	on, err := m.now(c, opAttach)
	if err != nil {
		return -1, err
	}
	at, err := m.spot(on)
	if err != nil {
		return -1, err
	}
	if at.replaced != nil {
		return -1, &HookError{
			Op: opAttach, Hook: m.name(), Err: unix.EBUSY,
			Cause: "a new bpf_link cannot take the place of " + label(at.replaced),
		}
	}
	fd, err := sys.CreateLink(m.ifindex, m.point, p.FD(), at.Place)
	if err != nil {
		return -1, m.explain(c, opAttach, err)
	}
	return fd, nil
}

func (m multi) linkPath() (path string, update bool) { return m.Link, m.Update }

func (m multi) attachments(c *netlink.Conn) ([]*Attachment, error) {
	m.Revision = 0
	on, err := m.now(c, opAttach)
	return on.programs, err
}

// keeps refuses an anchor or a revision that is not the link's.
func (m multi) keeps(c *netlink.Conn, a *Attachment) error {
	on, err := m.now(c, opAttach)
	if err != nil {
		return err
	}
	if _, err := m.spot(on); err != nil || m.Anchor == nil {
		return err
	}
	i, err := on.find(LinkID(a.Link.ID))
	if err != nil || m.Anchor.satisfied(on, i) {
		return err
	}
	return &HookError{
		Op: opAttach, Hook: m.name(), Err: unix.EBUSY,
		Cause: fmt.Sprintf("bpf_link %d is at position %d, and an update cannot move it to %q", a.Link.ID, i, m.Anchor),
	}
}

// candidates are the programs that are in the place already.
func (m multi) candidates(c *netlink.Conn) ([]*Attachment, error) {
	if !m.Idempotent {
		return nil, nil
	}
	m.Revision = 0 // it was another before what changes nothing now
	on, err := m.now(c, opAttach)
	if err != nil {
		return nil, err
	}
	var out []*Attachment
	for i, a := range on.programs {
		if m.Anchor == nil || m.Anchor.satisfied(on, i) {
			out = append(out, a)
		}
	}
	return out, nil
}

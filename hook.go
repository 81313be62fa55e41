package xdpload

import (
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/netlink"
)

// A Hook is a place where a device runs programs: an [XDP], [Clsact], [TCX] or
// [Netkit] literal.
// The set of hooks is closed.
type Hook interface {
	// ProgramType is the type of the programs that the hook runs.
	ProgramType() ebpf.ProgramType

	attach(*netlink.Conn, *Program) (*Attachment, error)
	detach(*netlink.Conn) (*Attachment, error)
	// candidates are the programs that are where attach would put one, nil
	// unless the hook is to be left alone if one of them does the same.
	candidates(*netlink.Conn) ([]*Attachment, error)
}

// An Attachment is a program on a hook of a device.
type Attachment struct {
	Ifindex int
	Device  string
	// Mode is the place in which the device runs an XDP program.
	Mode netlink.XDPMode
	// Filter is the classifier that runs the program, nil on other hooks.
	Filter *FilterInfo
	// Multi is the place on a hook that runs several programs, nil on others.
	Multi *MultiInfo
	// Program is what runs there. Without the privilege to look at programs
	// only its ID is set.
	Program ProgramInfo
	// Link is the bpf_link that holds the program there, nil if none does or
	// without the privilege to look at links.
	Link *LinkInfo
	// Replaced is the program that [Attach] took off the hook, nil if none.
	Replaced *ProgramInfo
	// Uncompared reports that an XDP program was replaced or taken off without
	// CAP_SYS_ADMIN, which opens programs by their id (kernel/bpf/syscall.c,
	// bpf_prog_get_fd_by_id): if others put another in its place at that moment,
	// it was that one.
	Uncompared bool
	// Unchanged reports that an idempotent [Attach] found a program there that
	// does the same: it has the same instructions and the same maps. Maps that
	// only the new program has count as the same if they are defined alike; if
	// nothing ever writes to them, if they hold the same.
	Unchanged bool
}

// Hook is the name of the place: "xdpdrv", "xdpgeneric", "xdpoffload",
// "tcx/ingress", "clsact/egress", "netkit/peer" and so on.
func (a *Attachment) Hook() string {
	switch {
	case a.Multi != nil:
		return a.Multi.Hook
	case a.Filter == nil:
		return a.Mode.Keyword()
	case a.Filter.Qdisc == kindClsact || a.Filter.Qdisc == kindIngress:
		return a.Filter.Qdisc + "/" + a.Filter.Parent.String()
	}
	return "filter/" + a.Filter.Parent.String()
}

// Attach puts a program on a hook and returns what is there now. For a hook
// that wants a bpf_link, it pins a new one or updates the one that is pinned.
//
// An XDP hook that is taken is an [*OccupiedError], unless the hook says to
// replace. What the kernel refuses is a [*netlink.Error] or a [*HookError], in an
// [*UnsuitableError] where the kernel gives no reason and the reason is known. An
// error changes nothing.
func Attach(c *netlink.Conn, p *Program, h Hook) (*Attachment, error) {
	if p == nil || p.link == nil { // nil for classic BPF
		a, err := alreadyAttached(c, h, p.does)
		if a != nil || err != nil {
			return a, err
		}
	}
	return attach(c, p, h)
}

// attach is Attach for a program that is known to be another than what is there.
func attach(c *netlink.Conn, p *Program, h Hook) (*Attachment, error) {
	l, isNew := byLink(h)
	switch {
	case l == nil:
		return h.attach(c, p)
	case p.link != nil:
		return p.link.attachment(c, l)
	}
	return attachByLink(c, p, l, isNew)
}

// Detach takes the program off a hook and returns what was there, nil if
// nothing was.
func Detach(c *netlink.Conn, h Hook) (*Attachment, error) {
	return h.detach(c)
}

// Attachments lists the programs on every hook of a device, in the order in
// which a packet meets them. A device index of 0 stands for all devices of the
// network namespace. An error ends the list.
//
// The calling thread has to be in the network namespace of c, or the programs of
// [TCX] and [Netkit] hooks are those of other devices.
func Attachments(c *netlink.Conn, ifindex int) iter.Seq2[*Attachment, error] {
	return func(yield func(*Attachment, error) bool) {
		var known Inventory
		for link, err := range links(c, ifindex) {
			if err != nil {
				yield(nil, err)
				return
			}
			all, err := known.Attachments(c, link)
			for _, a := range all {
				if !yield(a, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

func links(c *netlink.Conn, ifindex int) iter.Seq2[*netlink.Link, error] {
	if ifindex == 0 {
		return c.Links()
	}
	return func(yield func(*netlink.Link, error) bool) {
		yield(c.LinkByIndex(ifindex))
	}
}

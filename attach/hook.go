package attach

import (
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// A Hook is a place where a device runs programs: an [XDP], [Clsact], [TCX] or
// [Netkit] literal.
// The set of hooks is closed.
type Hook interface {
	// ProgramType is the type of the programs that the hook runs.
	ProgramType() ebpf.ProgramType

	ifindex() int // 0 for a block of filters that qdiscs share
	// steps are what the hook does for a plan, to put a program there or to take
	// one off.
	steps(off bool) steps
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
	Program prog.Info
	// Link is the bpf_link that holds the program there, nil if none does or
	// without the privilege to look at links.
	Link *LinkInfo
	// Replaced is the program that was taken off the hook for it, nil if none.
	Replaced *prog.Info
	// Uncompared reports that an XDP program was replaced or taken off without
	// CAP_SYS_ADMIN, which opens programs by their id (kernel/bpf/syscall.c,
	// bpf_prog_get_fd_by_id): if others put another in its place at that moment,
	// it was that one.
	Uncompared bool
	// Unchanged reports that an idempotent plan found a program there that
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

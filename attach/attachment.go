package attach

import (
	"cmp"

	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// An Attachment is a program on a hook of a device.
type Attachment struct {
	Ifindex int    // of the device, 0 for a block of filters that qdiscs share
	Device  string // its name, empty for a block
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
	// Kept is the path at which that program was pinned for it, empty if it was not.
	Kept string
	// Uncompared reports that a program was replaced or taken off without
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
// "tcx/ingress", "clsact/egress", "htb/1:", "htb/1:20", "fq_codel/root", "netkit/peer" and
// so on; a filter's is "filter/1:" where the qdisc was not looked at.
func (a *Attachment) Hook() string {
	switch {
	case a.Multi != nil:
		return a.Multi.Hook
	case a.Filter == nil:
		return a.Mode.Keyword()
	case a.Filter.Parent == 0:
		return a.Filter.qdisc() + "/root"
	}
	return a.Filter.qdisc() + "/" + a.Filter.Parent.String()
}

// FilterInfo is what an [Attachment] of a classifier has beside its program.
type FilterInfo struct {
	netlink.Filter
	// Qdisc is the kind of the qdisc that has the filter, empty where it was not looked at.
	Qdisc string
	// QdiscCreated reports that the qdisc was created for the filter.
	QdiscCreated bool
	// Was is the filter whose place it has taken, nil if none.
	Was *netlink.Filter
}

func (f *FilterInfo) qdisc() string { return cmp.Or(f.Qdisc, "filter") }

// MultiInfo is what an [Attachment] has on a hook that runs several programs. A
// Revision of 0 says that the program was put there, but that its place could not
// be read.
type MultiInfo struct {
	Hook     string // "tcx/ingress", "tcx/egress", "netkit/primary" or "netkit/peer"
	Position int    // from 0, in the order in which they run
	// Revision is the hook's, which the kernel increments with each change.
	Revision uint64
}

// LinkInfo is a bpf_link: an attachment that lives as long as its file
// descriptors and pins.
type LinkInfo struct {
	ID uint32 // its number, for OpenLink
}

const (
	kindClsact  = "clsact"
	kindIngress = "ingress"
)

package xdpload

import (
	"context"
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/netlink"
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
	Program ProgramInfo
	// Link is the bpf_link that holds the program there, nil if none does or
	// without the privilege to look at links.
	Link *LinkInfo
	// Replaced is the program that was taken off the hook for it, nil if none.
	Replaced *ProgramInfo
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

// Attach puts a program on a hook and returns what is there now. For a hook
// that wants a bpf_link, it pins a new one or updates the one that is pinned. p is
// nil for classic BPF.
//
// An XDP hook that is taken is an [*OccupiedError], unless the hook says to
// replace. What the kernel refuses is a [*netlink.Error] or a [*HookError], in an
// [*UnsuitableError] where the kernel gives no reason and the reason is known. An
// error changes nothing.
func Attach(c *netlink.Conn, p *Program, h Hook) (*Attachment, error) {
	return applyOne(context.Background(), c, Plan{Source: Open(p), Hook: h}, ApplyOptions{})
}

// Detach takes the program off a hook and returns what was there, nil if
// nothing was.
func Detach(c *netlink.Conn, h Hook) (*Attachment, error) {
	return applyOne(context.Background(), c, Plan{Hook: h}, ApplyOptions{})
}

// Install loads a program of an object, publishes its pins, attaches it to the
// hook, and commits: it is [Apply] of one plan. The caller closes the result.
func Install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hook) (*Loaded, *Attachment, error) {
	s := &Object{Object: obj, Options: o}
	a, err := applyOne(ctx, c, Plan{Source: s, Hook: h}, ApplyOptions{Root: o.Pins.Root})
	return s.Loaded(), a, err
}

// applyOne returns the one error that there is.
func applyOne(ctx context.Context, c *netlink.Conn, p Plan, o ApplyOptions) (*Attachment, error) {
	all, err := Apply(ctx, c, []Plan{p}, o)
	if err == nil {
		err = all[0].Err
	}
	return all[0].Attachment, err
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

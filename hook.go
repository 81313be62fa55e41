package xdpload

import (
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/netlink"
)

// A Hook is a place where a device runs programs: an [XDP] or [Clsact] literal.
// The set of hooks is closed.
type Hook interface {
	// ProgramType is the type of the programs that the hook runs.
	ProgramType() ebpf.ProgramType

	attach(*netlink.Conn, *Program) (*Attachment, error)
	detach(*netlink.Conn) (*Attachment, error)
}

// An Attachment is a program on a hook of a device.
type Attachment struct {
	Ifindex int
	Device  string
	// Mode is the place in which the device runs an XDP program.
	Mode netlink.XDPMode
	// Filter is the classifier that runs the program, nil for an XDP program.
	Filter *FilterInfo
	// Program is what runs there. Without the privilege to look at programs
	// only its ID is set.
	Program ProgramInfo
	// Link is the bpf_link that holds the program there, nil if none does or
	// without the privilege to look at links.
	Link *LinkInfo
	// Replaced is the program that [Attach] took off the hook, nil if none.
	Replaced *ProgramInfo
}

// Attach puts a program on a hook and returns what is there now. An XDP hook that
// is taken is an [*OccupiedError], unless the hook says to replace. What the
// kernel refuses is a [*netlink.Error], in an [*UnsuitableError] where the
// kernel gives no reason and the reason is known. An error changes nothing.
func Attach(c *netlink.Conn, p *Program, h Hook) (*Attachment, error) {
	return h.attach(c, p)
}

// Detach takes the program off a hook and returns what was there, nil if
// nothing was.
func Detach(c *netlink.Conn, h Hook) (*Attachment, error) {
	return h.detach(c)
}

// Attachments lists the programs on every hook of a device, in the order in
// which a packet meets them. A device index of 0 stands for all devices of the
// network namespace. An error ends the list.
func Attachments(c *netlink.Conn, ifindex int) iter.Seq2[*Attachment, error] {
	return func(yield func(*Attachment, error) bool) {
		var known Inventory
		for link, err := range links(c, ifindex) {
			if err != nil {
				yield(nil, err)
				return
			}
			classifiers, err := known.Classifiers(c, link)
			for _, a := range append(known.XDP(link), classifiers...) {
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

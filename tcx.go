package xdpload

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// TCX is a hook of a device that runs several programs in order, before the
// filters of a clsact qdisc (Linux 6.6). A program that returns TCX_NEXT (-1)
// leaves the packet to the next, and the last to those filters.
//
// The device is one of the calling thread's network namespace, which has to be
// that of the [netlink.Conn].
type TCX struct {
	Ifindex int
	// Egress is for packets that the device sends, else for those it receives.
	Egress bool
	Order
}

// ProgramType is [ebpf.SchedCLS].
func (TCX) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

// Check tells whether Attach would find its hook and its place there, before a
// program is loaded for it. The error is an [*AnchorError] or a [*HookError].
func (h TCX) Check(c *netlink.Conn) error { return h.multi().check(c) }

func (h TCX) multi() multi {
	m := multi{ifindex: h.Ifindex, point: sys.TCXIngress, Order: h.Order}
	if h.Egress {
		m.point = sys.TCXEgress
	}
	return m
}

func (h TCX) attach(c *netlink.Conn, p *Program) (*Attachment, error) { return h.multi().attach(c, p) }
func (h TCX) detach(c *netlink.Conn) (*Attachment, error)             { return h.multi().detach(c) }
func (h TCX) candidates(c *netlink.Conn) ([]*Attachment, error)       { return h.multi().candidates(c) }

func (h TCX) attachments(c *netlink.Conn) ([]*Attachment, error) { return h.multi().attachments(c) }

func (h TCX) create(c *netlink.Conn, p *Program) (int, error) { return h.multi().create(c, p) }

func (h TCX) linkPath() (string, bool) { return h.multi().linkPath() }

func (h TCX) keeps(c *netlink.Conn, a *Attachment) error { return h.multi().keeps(c, a) }

package xdpload

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// Netkit is a hook of a pair of netkit devices that runs several programs in
// order on what one of the two sends (Linux 6.7). A program that returns
// NETKIT_NEXT (-1) leaves the packet to the next, and the last to the device's
// policy.
//
// The device is one of the calling thread's network namespace, which has to be
// that of the [netlink.Conn].
type Netkit struct {
	// Ifindex is the primary device of the pair, also for what its peer sends:
	// whoever has the peer in another namespace cannot change it.
	Ifindex int
	// Peer is for packets that the peer sends, else for those of the primary.
	Peer bool
	Order
}

// ProgramType is [ebpf.SchedCLS].
func (Netkit) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

// Check is as [TCX.Check].
func (h Netkit) Check(c *netlink.Conn) error { return h.multi().check(c) }

func (h Netkit) multi() multi {
	m := multi{ifindex: h.Ifindex, point: sys.NetkitPrimary, Order: h.Order}
	if h.Peer {
		m.point = sys.NetkitPeer
	}
	return m
}

func (h Netkit) attach(c *netlink.Conn, p *Program) (*Attachment, error) {
	return h.multi().attach(c, p)
}
func (h Netkit) detach(c *netlink.Conn) (*Attachment, error)       { return h.multi().detach(c) }
func (h Netkit) candidates(c *netlink.Conn) ([]*Attachment, error) { return h.multi().candidates(c) }

func (h Netkit) attachments(c *netlink.Conn) ([]*Attachment, error) { return h.multi().attachments(c) }

func (h Netkit) create(c *netlink.Conn, p *Program) (int, error) { return h.multi().create(c, p) }
func (h Netkit) linkPath() (string, bool)                        { return h.multi().linkPath() }

func (h Netkit) keeps(c *netlink.Conn, a *Attachment) error { return h.multi().keeps(c, a) }

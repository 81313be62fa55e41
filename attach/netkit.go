package attach

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
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

func (h Netkit) mprog() mprog {
	m := mprog{ifindex: h.Ifindex, point: sys.NetkitPrimary, Order: h.Order}
	if h.Peer {
		m.point = sys.NetkitPeer
	}
	return m
}

func (h Netkit) ifindex() int { return h.Ifindex }

func (h Netkit) steps(off bool) steps { return h.mprog().steps(off) }

package attach

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
)

// Netkit is a hook of a pair of netkit devices that runs several programs in
// order on what one of the two sends (Linux 6.7). A program that returns
// NETKIT_NEXT (-1) leaves the packet to the next, and the last to the device's
// policy. The device is the primary one of the pair, also for what its peer sends:
// whoever has the peer in another namespace cannot change it.
type Netkit struct {
	Device  string // its name
	Ifindex int    // its index, where the name is empty
	// Peer is for packets that the peer sends, else for those of the primary.
	Peer bool
	Order
}

// ProgramType is [ebpf.SchedCLS].
func (Netkit) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

func (h Netkit) device() (name string, ifindex int) { return h.Device, h.Ifindex }

func (h Netkit) mprog(ifindex int) mprog {
	m := mprog{ifindex: ifindex, point: sys.NetkitPrimary, Order: h.Order}
	if h.Peer {
		m.point = sys.NetkitPeer
	}
	return m
}

func (h Netkit) steps(p *Plan, ifindex int) steps { return h.mprog(ifindex).steps(p) }

func (h Netkit) links(ifindex int) linkHook { return h.mprog(ifindex) }

package attach

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
)

// TCX is a hook of a device that runs several programs in order, before the
// filters of a clsact qdisc (Linux 6.6). A program that returns TCX_NEXT (-1)
// leaves the packet to the next, and the last to those filters.
type TCX struct {
	Device  string // its name
	Ifindex int    // its index, where the name is empty
	// Egress is for packets that the device sends, else for those it receives.
	Egress bool
	Order
}

// ProgramType is [ebpf.SchedCLS].
func (TCX) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

func (h TCX) device() (name string, ifindex int) { return h.Device, h.Ifindex }

func (h TCX) at(ifindex int) place { return h.mprog(sys.TCXIngress, h.Egress, ifindex) }

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

func (h Netkit) at(ifindex int) place { return h.mprog(sys.NetkitPrimary, h.Peer, ifindex) }

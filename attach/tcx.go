package attach

import (
	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
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

func (h TCX) mprog() mprog {
	m := mprog{ifindex: h.Ifindex, point: sys.TCXIngress, Order: h.Order}
	if h.Egress {
		m.point = sys.TCXEgress
	}
	return m
}

func (h TCX) ifindex() int { return h.Ifindex }

func (h TCX) steps(off bool) steps { return h.mprog().steps(off) }

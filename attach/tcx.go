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

func (h TCX) mprog(ifindex int) mprog {
	m := mprog{ifindex: ifindex, point: sys.TCXIngress, Order: h.Order}
	if h.Egress {
		m.point = sys.TCXEgress
	}
	return m
}

func (h TCX) steps(p *Plan, ifindex int) steps { return h.mprog(ifindex).steps(p) }

func (h TCX) links(ifindex int) linkHook { return h.mprog(ifindex) }

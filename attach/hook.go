package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/netlink"
)

// A Hook is a place where a device runs programs: an [XDP], [Clsact], [TCX] or
// [Netkit] literal. The device goes by its name, or without one by its index.
// The set of hooks is closed.
type Hook interface {
	// ProgramType is the type of the programs that the hook runs.
	ProgramType() ebpf.ProgramType

	// device names it; the index counts where the name is empty, and is 0 for a
	// block of filters that qdiscs share.
	device() (name string, ifindex int)
	// at is the hook of the device with that index.
	at(ifindex int) place
}

// A place is a hook of a device, and a [linkHook] where a bpf_link can hold programs.
type place interface {
	// steps are what it does for a plan, to put a program there or to take one off.
	steps(p *Plan) steps
}

func errNoLinks() error {
	return fmt.Errorf("a bpf_link cannot hold a program there: %w", errors.ErrUnsupported)
}

// place finds the device of a hook.
func (v *Inventory) place(c *netlink.Conn, h Hook) (ifindex int, err error) {
	name, ifindex := h.device()
	if name == "" {
		return ifindex, nil
	}
	l, err := c.Link(name)
	if err != nil {
		return 0, fmt.Errorf("device %s: %w", name, err)
	}
	v.AddLink(l)
	return l.Index, nil
}

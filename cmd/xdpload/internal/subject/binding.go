package subject

import (
	"fmt"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/offload"
)

// BoundDevice is the device that keeps a program or a map. It has bpftool's keys.
type BoundDevice struct {
	Ifindex int    `json:"ifindex"`
	NSDev   uint64 `json:"ns_dev"`
	NSInode uint64 `json:"ns_inode"`
	Name    string `json:"ifname,omitempty"` // in this network namespace
}

// DescribeBinding reports on the device that a program or map is bound to, nil for none.
func DescribeBinding(e *env.Env, b *offload.Binding) *BoundDevice {
	if b == nil {
		return nil
	}
	d := &BoundDevice{Ifindex: b.Ifindex, NSDev: b.NetNSDev, NSInode: b.NetNSInode}
	if !b.Here() {
		return d
	}
	if conn, err := e.Netlink(); err == nil {
		if l, err := conn.LinkByIndex(b.Ifindex); err == nil { // else it has just gone
			d.Name = l.Name
		}
	}
	return d
}

func (d *BoundDevice) String() string {
	if d.Name != "" {
		return d.Name
	}
	return fmt.Sprintf("ifindex %d ns_dev %d ns_inode %d", d.Ifindex, d.NSDev, d.NSInode)
}

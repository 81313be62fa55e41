package xdpload_test

import (
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

// TestXDPSeen: what a device was seen to run is believed as long as it is so.
func TestXDPSeen(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	first := load(t, "tiny.o", elf.Selector{}).Program()
	second := load(t, "drop.o", elf.Selector{}).Program()
	third := load(t, "two.o", elf.Selector{Section: "xdp"}).Program()
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	c := ns.Conn()
	see := func() *netlink.Link {
		l, err := c.Link("v0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	attach := func(p *xdpload.Program, seen *netlink.Link) *xdpload.Attachment {
		a, err := xdpload.Attach(c, p, xdpload.XDP{Ifindex: see().Index, Seen: seen, Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	empty := see()
	attach(first, empty)
	old := see()
	if a := attach(second, old); a.Replaced == nil || a.Replaced.ID != first.ID || a.Mode != netlink.XDPNative || a.Device != "v0" {
		t.Errorf("attached %+v, want native on v0 in the place of program %d", a, first.ID)
	}
	for _, stale := range []*netlink.Link{old, empty} {
		before := see().XDP.Programs[0].ID
		next := third
		if before == third.ID {
			next = first
		}
		if a := attach(next, stale); a.Replaced == nil || a.Replaced.ID != before {
			t.Errorf("replaced %+v, want program %d", a.Replaced, before)
		}
	}
	now := see()
	a, err := xdpload.Detach(c, xdpload.XDP{Ifindex: now.Index, Seen: old})
	if err != nil || a == nil || a.Program.ID != now.XDP.Programs[0].ID {
		t.Errorf("detached %+v: %v, want program %d", a, err, now.XDP.Programs[0].ID)
	}
}

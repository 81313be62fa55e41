package xdpload_test

import (
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestXDPSeen: what a device was seen to run is believed as long as it is so.
func TestXDPSeen(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	first := lab.Load(t, "tiny.o", elf.Selector{}).Program()
	second := lab.Load(t, "drop.o", elf.Selector{}).Program()
	third := lab.Load(t, "two.o", elf.Selector{Section: "xdp"}).Program()
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
	put := func(p *prog.Program, seen *netlink.Link) *attach.Attachment {
		known := new(attach.Inventory)
		known.AddLink(seen)
		all, err := attach.Apply(t.Context(), c, []attach.Plan{{Source: xdpload.Open(p), Hook: attach.XDP{Ifindex: seen.Index, Replace: true}}}, attach.Options{Known: known})
		if err != nil || all[0].Err != nil {
			t.Fatal(err, all[0].Err)
		}
		return all[0].Attachment
	}
	empty := see()
	put(first, empty)
	old := see()
	if a := put(second, old); a.Replaced == nil || a.Replaced.ID != first.ID || a.Mode != netlink.XDPNative || a.Device != "v0" {
		t.Errorf("attached %+v, want native on v0 in the place of program %d", a, first.ID)
	}
	for _, stale := range []*netlink.Link{old, empty} {
		before := see().XDP.Programs[0].ID
		next := third
		if before == third.ID {
			next = first
		}
		if a := put(next, stale); a.Replaced == nil || a.Replaced.ID != before {
			t.Errorf("replaced %+v, want program %d", a.Replaced, before)
		}
	}
	now := see()
	known := new(attach.Inventory)
	known.AddLink(old)
	all, err := attach.Apply(t.Context(), c, []attach.Plan{{Hook: attach.XDP{Ifindex: now.Index}}}, attach.Options{Known: known})
	if a := all[0].Attachment; err != nil || all[0].Err != nil || a == nil || a.Program.ID != now.XDP.Programs[0].ID {
		t.Errorf("detached %+v: %v, want program %d", all[0], err, now.XDP.Programs[0].ID)
	}
}

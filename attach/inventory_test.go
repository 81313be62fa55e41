package attach_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestAttachmentsOrder: the order of the list is that in which packets meet the
// programs, on their way in and out.
func TestAttachmentsOrder(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	here, there := ns.Tap(v0), ns.Tap(v1)
	trail := newTrail(t)
	for i, h := range []attach.Hook{
		attach.TCX{Ifindex: v0},
		direct(v0, netlink.Ingress, "in"),
		attach.TCX{Ifindex: v0, Egress: true},
		direct(v0, netlink.Egress, "out"),
	} {
		if _, err := attachIn(t, ns, trail.program(fmt.Sprintf("p%d", i+1), int32(i+1), next), attach.Plan{Hook: h}); err != nil {
			t.Fatal(err)
		}
	}
	if way, _ := trail.read(there, here); way != 12 {
		t.Errorf("on its way in the packet went %d, want 12", way)
	}
	if way, _ := trail.read(here, there); way != 34 {
		t.Errorf("on its way out the packet went %d, want 34", way)
	}
	want := []string{"tcx/ingress p1", "clsact/ingress p2", "tcx/egress p3", "clsact/egress p4"}
	if diff := cmp.Diff(want, on(t, ns, v0)); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
}

// TestAttachmentsOfQueue: what a packet meets in the queue comes after egress, from the
// root down.
func TestAttachmentsOfQueue(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.HTB)
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	here, there := ns.Tap(v0), ns.Tap(v1)
	tc(t, ns, "qdisc add dev v0 root handle 1: htb default 20")
	tc(t, ns, "class add dev v0 parent 1: classid 1:1 htb rate 1gbit")
	tc(t, ns, "class add dev v0 parent 1:1 classid 1:20 htb rate 1gbit")
	tc(t, ns, "qdisc add dev v0 parent 1:20 handle 20: htb")
	trail := newTrail(t)
	for i, place := range []string{"20:", "1:1", "1:", "none", "egress"} {
		h := direct(v0, 0, place)
		if err := h.Filter.Parent.UnmarshalText([]byte(place)); err != nil {
			t.Fatal(err)
		}
		if _, err := attachIn(t, ns, trail.program(fmt.Sprintf("p%d", i+1), int32(i+1), next), attach.Plan{Hook: h}); err != nil {
			t.Fatalf("%s: %v", place, err)
		}
	}
	// The kernel gives a later filter without a pref one before the others. Those of a class are
	// met by packets that were sent to it.
	if way, _ := trail.read(here, there); way != 5431 {
		t.Errorf("on its way out the packet went %d, want 5431", way)
	}
	want := []string{"clsact/egress p5", "htb/1: p4", "htb/1: p3", "htb/1:1 p2", "htb/20: p1"}
	if diff := cmp.Diff(want, on(t, ns, v0)); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
}

func TestAttachmentsInRunOrder(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	chain5 := direct(v0, netlink.Ingress, "in chain 5")
	chain5.Filter.Chain = 5
	for _, hook := range []attach.Clsact{
		direct(v0, netlink.Egress, "out"), chain5, direct(v0, netlink.Ingress, "in second"), direct(v0, netlink.Ingress, "in first"),
	} {
		if _, err := lab.Attach(t, c, p, attach.Plan{Hook: hook}); err != nil {
			t.Fatal(err)
		}
	}
	tc(t, ns, "qdisc add dev v1 ingress")
	if _, err := lab.Attach(t, c, p, attach.Plan{Hook: direct(v1, netlink.Ingress, "peer")}); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Attach(t, c, lab.Load(t, "tiny.o", elf.Selector{}).Program(), attach.Plan{Hook: attach.XDP{Ifindex: v0}}); err != nil {
		t.Fatal(err)
	}
	tc(t, ns, "qdisc add dev lo ingress_block 7 clsact")
	if _, err := lab.Attach(t, c, p, attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{Block: 7, BPF: &netlink.BPFFilter{Name: "shared"}}}}); err != nil {
		t.Fatal(err)
	}
	indexes := map[string]int{"lo": 1, "v0": v0, "v1": v1}
	list := func(ifindex int) (names []string) {
		for a, err := range attach.Attachments(c, ifindex) {
			if err != nil {
				t.Fatal(err)
			}
			if a.Ifindex != indexes[a.Device] {
				t.Errorf("%s has the index %d, want %d", a.Device, a.Ifindex, indexes[a.Device])
			}
			name := a.Device + " " + a.Mode.String()
			if a.Filter != nil {
				name = a.Device + " " + a.Filter.Qdisc + " " + a.Filter.BPF.Name
			}
			names = append(names, name)
		}
		return names
	}
	want := []string{"v0 native", "v0 clsact in first", "v0 clsact in second", "v0 clsact in chain 5", "v0 clsact out"}
	if got := list(v0); !slices.Equal(got, want) {
		t.Errorf("v0 has %q, want %q", got, want)
	}
	if got := list(v1); !slices.Equal(got, []string{"v1 ingress peer"}) {
		t.Errorf("v1 has %q", got)
	}
	if got := list(0); len(got) != len(want)+2 {
		t.Errorf("all devices have %q", got)
	}
}

// TestXDPKnown: what a device was seen to run is believed as long as it is so.
func TestXDPKnown(t *testing.T) {
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
		all, err := attach.Apply(t.Context(), c, []attach.Plan{{Source: xdpload.Open(p), Hook: attach.XDP{Ifindex: seen.Index}, Replace: true}}, attach.Options{Known: known})
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

// TestClsactFound: what was found is no longer trusted when it is gone.
func TestClsactFound(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	tc(t, ns, "qdisc add dev v0 clsact")
	known := new(attach.Inventory)
	add := func(name string) *attach.Attachment {
		t.Helper()
		plan := attach.Plan{Source: xdpload.Open(p), Hook: direct(v0, netlink.Ingress, name)}
		all, err := attach.Apply(t.Context(), c, []attach.Plan{plan}, attach.Options{Known: known})
		if err != nil || all[0].Err != nil {
			t.Fatal(err, all[0].Err)
		}
		return all[0].Attachment
	}
	for _, name := range []string{"a", "b"} {
		if a := add(name); a.Device != "v0" || a.Filter.Qdisc != "clsact" {
			t.Errorf("attached %+v", a)
		}
	}
	tc(t, ns, "qdisc del dev v0 clsact")
	if a := add("a"); !a.Filter.QdiscCreated {
		t.Errorf("attached %+v", a)
	}
}

// TestAttachmentsWhileDevicesGo: a device that goes away while all are listed is no error,
// and the others are there.
func TestAttachmentsWhileDevicesGo(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	stays, _ := ns.Veth("v0", "v1")
	goes, _ := ns.Veth("w0", "w1")
	conn := ns.Conn()
	trail := newTrail(t)
	for ifindex, name := range map[int]string{stays: "stays", goes: "goes"} {
		if _, err := attachIn(t, ns, trail.program(name, 1, next), attach.Plan{Hook: direct(ifindex, netlink.Ingress, name)}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	ns.NetlinkOvertaken(unix.BPF_PROG_QUERY, func() error { return conn.DeleteLink(goes) }, func(c *netlink.Conn) error {
		for a, err := range attach.Attachments(c, 0) {
			if err != nil {
				return err
			}
			names = append(names, a.Program.Name)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"stays"}, names); diff != "" {
		t.Error(diff)
	}
}

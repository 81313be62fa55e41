package attach_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// netkitPair makes a pair, both up, the second of the two in a namespace of its
// own, and returns their indexes.
func netkitPair(t *testing.T, near, far *bpftest.Namespace, pair netlink.NetkitPair) (primary, peer int) {
	t.Helper()
	pair.Name, pair.Peer = "nk0", "nk1"
	up := func(name string, index *int) func(*netlink.Conn) error {
		return func(c *netlink.Conn) error {
			l, err := c.Link(name)
			if err != nil {
				return err
			}
			*index = l.Index
			return testdev.SetUp(l.Index)
		}
	}
	near.Netlink(func(c *netlink.Conn) error {
		f, err := netns.Open(far.Name)
		if err != nil {
			return err
		}
		defer f.Close()
		pair.PeerNetNS = int(f.Fd())
		return c.AddNetkit(pair)
	})
	near.Netlink(up("nk0", &primary))
	far.Netlink(up("nk1", &peer))
	return primary, peer
}

func TestNetkitOrder(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Netkit)
	for _, mode := range []netlink.NetkitMode{netlink.NetkitL2, netlink.NetkitL3} {
		t.Run(mode.String(), func(t *testing.T) {
			near, far := bpftest.NewNamespace(t), bpftest.NewNamespace(t)
			primary, peer := netkitPair(t, near, far, netlink.NetkitPair{Netkit: netlink.Netkit{Mode: &mode}})
			here, there := near.Tap(primary), far.Tap(peer)
			trail := newTrail(t)
			two := trail.program("two", 2, next)
			for _, step := range []struct {
				p      *prog.Program
				anchor attach.Anchor
				want   uint32
			}{
				{two, nil, 2},
				{trail.program("one", 1, next), attach.First(), 12},
				{trail.program("four", 4, next), attach.Last(), 124},
				{trail.program("three", 3, next), attach.After(attach.ProgramID(two.ID)), 1234},
				{trail.program("five", 5, next), attach.Replace(attach.ProgramName("one")), 5234},
			} {
				for _, isPeer := range []bool{false, true} {
					h := attach.Netkit{Ifindex: primary, Peer: isPeer, Order: attach.Order{Anchor: step.anchor}}
					if _, err := attachIn(t, near, step.p, attach.Plan{Hook: h}); err != nil {
						t.Fatalf("%s: %v", step.p.Name, err)
					}
				}
				if way, seen := trail.read(here, there); way != step.want || !seen {
					t.Errorf("from the primary: %d, seen %v, want %d", way, seen, step.want)
				}
				if way, seen := trail.read(there, here); way != step.want || !seen {
					t.Errorf("from the peer: %d, seen %v, want %d", way, seen, step.want)
				}
			}
			h := attach.Netkit{Ifindex: primary, Peer: true}
			h.Which = attach.ProgramName("five")
			if _, err := detachIn(t, near, h); err != nil {
				t.Error(err)
			}
			if way, _ := trail.read(there, here); way != 234 {
				t.Errorf("after one was detached the peer's packet went %d, want 234", way)
			}
		})
	}
}

// TestNetkitBlackhole: a peer that passes nothing does once a program says so.
func TestNetkitBlackhole(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Netkit)
	const pass = 0
	near, far := bpftest.NewNamespace(t), bpftest.NewNamespace(t)
	mode, drop := netlink.NetkitL2, netlink.NetkitBlackhole
	primary, peer := netkitPair(t, near, far, netlink.NetkitPair{Netkit: netlink.Netkit{Mode: &mode, PeerPolicy: &drop}})
	here, there := near.Tap(primary), far.Tap(peer)
	trail := newTrail(t)
	if _, seen := trail.read(here, there); !seen {
		t.Error("the primary's packets are lost too")
	}
	if _, seen := trail.read(there, here); seen {
		t.Error("the black hole passes a packet without a program")
	}
	h := attach.Netkit{Ifindex: primary, Peer: true}
	if _, err := attachIn(t, near, trail.program("pass", 7, pass), attach.Plan{Hook: h}); err != nil {
		t.Fatal(err)
	}
	if way, seen := trail.read(there, here); way != 7 || !seen {
		t.Errorf("with a program that passes: %d, seen %v", way, seen)
	}
}

// TestNetkitView: the list is in the order in which packets meet programs.
func TestNetkitView(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Netkit)
	near, far := bpftest.NewNamespace(t), bpftest.NewNamespace(t)
	mode := netlink.NetkitL2
	primary, peer := netkitPair(t, near, far, netlink.NetkitPair{Netkit: netlink.Netkit{Mode: &mode}})
	here, there := near.Tap(primary), far.Tap(peer)
	trail := newTrail(t)
	link := filepath.Join("/sys/fs/bpf", t.Name())
	t.Cleanup(func() { os.Remove(link) })
	for i, h := range []attach.Hook{
		attach.Netkit{Ifindex: primary, Peer: true},
		attach.TCX{Ifindex: primary},
		direct(primary, netlink.Ingress, "in"),
		attach.TCX{Ifindex: primary, Egress: true},
		direct(primary, netlink.Egress, "out"),
		attach.Netkit{Ifindex: primary},
	} {
		plan := attach.Plan{Hook: h}
		if i == 0 {
			plan.Link = link
		}
		if _, err := attachIn(t, near, trail.program(string(rune('a'+i)), int32(i+1), next), plan); err != nil {
			t.Fatal(err)
		}
	}
	if way, seen := trail.read(there, here); way != 123 || !seen {
		t.Errorf("on its way in the packet went %d, want 123", way)
	}
	if way, seen := trail.read(here, there); way != 456 || !seen {
		t.Errorf("on its way out the packet went %d, want 456", way)
	}
	want := []string{"netkit/peer a", "tcx/ingress b", "clsact/ingress c", "tcx/egress d", "clsact/egress e", "netkit/primary f"}
	if diff := cmp.Diff(want, on(t, near, primary)); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
}

func TestNetkitRefusals(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Netkit)
	near, far := bpftest.NewNamespace(t), bpftest.NewNamespace(t)
	v0, _ := near.Veth("v0", "v1")
	_, peer := netkitPair(t, near, far, netlink.NetkitPair{})
	p := newTrail(t).program("one", 1, next)
	if _, err := attachIn(t, near, p, attach.Plan{Hook: attach.Netkit{Ifindex: v0}}); !errors.Is(err, unix.ENXIO) || !strings.Contains(err.Error(), "v0 is not a netkit device") {
		t.Errorf("on a veth: %v", err)
	}
	if _, err := attachIn(t, far, p, attach.Plan{Hook: attach.Netkit{Ifindex: peer, Peer: true}}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "attached through the primary device") {
		t.Errorf("through the peer: %v", err)
	}
}

// TestNetkitSingle: newer kernels have devices without a peer, which run no
// programs; older ones make a pair and say nothing.
func TestNetkitSingle(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Netkit)
	ns := bpftest.NewNamespace(t)
	var dev *netlink.Link
	ns.Netlink(func(c *netlink.Conn) (err error) {
		if err = c.AddNetkit(netlink.NetkitPair{Name: "one", Netkit: netlink.Netkit{Single: true}}); err == nil {
			dev, err = c.Link("one")
		}
		return err
	})
	bpftest.Need(t, bpftest.Feature{Name: "single netkit devices", Probe: func() error {
		if dev.Netkit == nil || !dev.Netkit.Single {
			return errors.New("the kernel made a pair")
		}
		return nil
	}})
	p := newTrail(t).program("one", 1, next)
	for _, peer := range []bool{false, true} {
		_, err := attachIn(t, ns, p, attach.Plan{Hook: attach.Netkit{Ifindex: dev.Index, Peer: peer}})
		if !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), "one is a single netkit device, and only pairs run programs") {
			t.Errorf("peer %v: %v", peer, err)
		}
	}
	if got := on(t, ns, dev.Index); len(got) > 0 {
		t.Errorf("attachments %v", got)
	}
}

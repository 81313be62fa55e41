package attach_test

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

func TestXDPModes(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("ip"))
	for _, tt := range []struct {
		name   string
		device string
		mode   netlink.XDPMode
		want   netlink.XDPMode
	}{
		{"default on veth", "v0", netlink.XDPAny, netlink.XDPNative},
		{"native on veth", "v0", netlink.XDPNative, netlink.XDPNative},
		{"generic on veth", "v0", netlink.XDPGeneric, netlink.XDPGeneric},
		{"default on lo", "lo", netlink.XDPAny, netlink.XDPGeneric},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			ns.Veth("v0", "v1")
			c := ns.Conn()
			dev, err := c.Link(tt.device)
			if err != nil {
				t.Fatal(err)
			}
			p := lab.Load(t, "tiny.o", elf.Selector{}).Program()
			a, err := lab.Attach(t, c, p, attach.Plan{Hook: attach.XDP{Ifindex: dev.Index, Mode: tt.mode}})
			if err != nil {
				t.Fatal(err)
			}
			if a.Mode != tt.want || a.Program.ID != p.ID || a.Program.Name != "xdp_pass" || a.Device != tt.device || a.Replaced != nil {
				t.Errorf("attached %+v, want mode %v", a, tt.want)
			}
			mode, ids := witness(t, ns, tt.device)
			if mode != int(tt.want) || len(ids) != 1 || ids[0] != p.ID {
				t.Errorf("ip shows mode %d and programs %v, want %d and [%d]", mode, ids, tt.want, p.ID)
			}
			off, err := xdpload.Detach(t.Context(), c, attach.XDP{Ifindex: dev.Index})
			if err != nil {
				t.Fatal(err)
			}
			if off == nil || off.Program.ID != p.ID || off.Mode != tt.want {
				t.Errorf("detached %+v, want program %d", off, p.ID)
			}
			if mode, ids := witness(t, ns, tt.device); mode != 0 || ids != nil {
				t.Errorf("after detach ip shows mode %d and programs %v", mode, ids)
			}
			if off, err := xdpload.Detach(t.Context(), c, attach.XDP{Ifindex: dev.Index}); off != nil || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("detached from nothing: %+v, %v", off, err)
			}
		})
	}
}

func TestXDPOccupied(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	index, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	first := lab.Load(t, "tiny.o", elf.Selector{}).Program()
	second := lab.Load(t, "drop.o", elf.Selector{}).Program()
	plan := attach.Plan{Hook: attach.XDP{Ifindex: index, Mode: netlink.XDPNative}}
	if _, err := lab.Attach(t, c, first, plan); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		plan   attach.Plan
		kernel string
	}{
		{"same mode", plan, "XDP program already attached"},
		{"other mode", attach.Plan{Hook: attach.XDP{Ifindex: index, Mode: netlink.XDPGeneric}}, "Native and generic XDP can't be active at the same time"},
		{"other mode, replace", attach.Plan{Hook: attach.XDP{Ifindex: index, Mode: netlink.XDPGeneric}, Replace: true}, "Native and generic XDP can't be active at the same time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := lab.Attach(t, c, second, tt.plan)
			occupied, ok := errors.AsType[*attach.OccupiedError](err)
			if !ok || !errors.Is(err, os.ErrExist) {
				t.Fatalf("attach: %v, want an OccupiedError", err)
			}
			if len(occupied.Attachments) != 1 || occupied.Attachments[0].Program.ID != first.ID || occupied.Attachments[0].Program.Name != "xdp_pass" {
				t.Errorf("occupied by %+v, want %d", occupied.Attachments, first.ID)
			}
			if !strings.Contains(err.Error(), tt.kernel) {
				t.Errorf("%v: the kernel's sentence %q is missing", err, tt.kernel)
			}
		})
	}

	plan.Replace = true
	a, err := lab.Attach(t, c, second, plan)
	if err != nil {
		t.Fatal(err)
	}
	if a.Replaced == nil || a.Replaced.ID != first.ID || a.Program.ID != second.ID {
		t.Errorf("replaced %+v with %d, want %d with %d", a.Replaced, a.Program.ID, first.ID, second.ID)
	}
}

// TestXDPReplaceKeepsMode: on a device whose program is generic, the default
// mode replaces it there if the kernel's own choice would be generic too.
func TestXDPReplaceOnLoopback(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	c := ns.Conn()
	first := lab.Load(t, "tiny.o", elf.Selector{}).Program()
	if _, err := lab.Attach(t, c, first, attach.Plan{Hook: attach.XDP{Ifindex: 1}}); err != nil {
		t.Fatal(err)
	}
	second := lab.Load(t, "drop.o", elf.Selector{}).Program()
	a, err := lab.Attach(t, c, second, attach.Plan{Hook: attach.XDP{Ifindex: 1}, Replace: true})
	if err != nil {
		t.Fatal(err)
	}
	if a.Mode != netlink.XDPGeneric || a.Replaced == nil || a.Replaced.ID != first.ID {
		t.Errorf("attached %+v", a)
	}
}

// TestXDPSwapUnderTraffic has two programs that both drop take turns a
// thousand times: the stack must not see one packet.
func TestXDPSwapUnderTraffic(t *testing.T) {
	swaps := bpftest.Rounds(1000)
	ns := bpftest.NewNamespace(t)
	index, peer := ns.Veth("v0", "v1")
	c := ns.Conn()
	var programs [2]*prog.Program
	programs[0] = lab.Load(t, "drop.o", elf.Selector{}).Program()
	programs[1] = lab.Load(t, "two.o", elf.Selector{Section: "xdp"}).Program()
	if _, err := lab.Attach(t, c, programs[0], attach.Plan{Hook: attach.XDP{Ifindex: index}}); err != nil {
		t.Fatal(err)
	}
	seen, sender := ns.Tap(index), ns.Tap(peer)
	traffic := sender.Start()
	for i := 0; i < swaps || traffic.Sent() < swaps; i++ {
		if _, err := lab.Attach(t, c, programs[(i+1)%2], attach.Plan{Hook: attach.XDP{Ifindex: index}, Replace: true}); err != nil {
			t.Errorf("swap %d: %v", i, err)
			break
		}
	}
	n := traffic.Stop()
	if frame, err := seen.Receive(); frame != nil || err != nil {
		t.Errorf("the stack saw packet %d of %d, %v", binary.BigEndian.Uint32(frame[14:]), n, err)
	}
	if _, err := xdpload.Detach(t.Context(), c, attach.XDP{Ifindex: index}); err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(bpftest.Frame(7)); err != nil {
		t.Fatal(err)
	}
	frame, err := seen.Receive()
	if err != nil || frame == nil {
		t.Errorf("without a program the stack sees nothing: %v", err)
	}
	t.Logf("%d swaps, %d packets", swaps, n)
}

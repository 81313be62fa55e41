package attach_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
)

func TestXDPLink(t *testing.T) {
	for _, mode := range []netlink.XDPMode{netlink.XDPNative, netlink.XDPGeneric} {
		t.Run(mode.Keyword(), func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, _ := ns.Veth("v0", "v1")
			first := lab.Load(t, "tiny.o", elf.Selector{}).Program()
			second := lab.Load(t, "drop.o", elf.Selector{}).Program()
			plan := attach.Plan{Hook: attach.XDP{Ifindex: v0, Mode: mode}, Link: filepath.Join("/sys/fs/bpf", mode.Keyword())}
			t.Cleanup(func() { os.Remove(plan.Link) })
			a, err := attachIn(t, ns, first, plan)
			if err != nil {
				t.Fatal(err)
			}
			if a.Link == nil || a.Mode != mode || a.Program.ID != first.ID {
				t.Fatalf("attached %+v", a)
			}
			if l := bpftoolLink(t, ns, a.Link.ID); l.Type != "xdp" || l.Prog != first.ID || !slices.Contains(l.Pinned, plan.Link) {
				t.Errorf("bpftool shows %+v, program is %d", l, first.ID)
			}
			if _, err := attachIn(t, ns, second, plan); !errors.Is(err, os.ErrExist) {
				t.Errorf("update without leave: %v", err)
			}
			plan.Replace = true
			b, err := attachIn(t, ns, second, plan)
			if err != nil {
				t.Fatal(err)
			}
			if b.Link == nil || b.Link.ID != a.Link.ID || b.Replaced == nil || b.Replaced.ID != first.ID || b.Program.ID != second.ID {
				t.Errorf("updated %+v", b)
			}
			off := attach.XDP{Ifindex: v0}
			_, err = detachIn(t, ns, off)
			occupied, ok := errors.AsType[*attach.OccupiedError](err)
			if !ok || occupied.Attachments[0].Link == nil || occupied.Attachments[0].Link.ID != a.Link.ID {
				t.Errorf("detach of what a link holds: %v", err)
			}
			off.LinkID = a.Link.ID + 1
			if _, err := detachIn(t, ns, off); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("detach of another link: %v", err)
			}
			off.LinkID = a.Link.ID
			if gone, err := detachIn(t, ns, off); err != nil || gone.Program.ID != second.ID {
				t.Errorf("detached %+v, %v", gone, err)
			}
			if mode, ids := witness(t, ns, "v0"); mode != 0 {
				t.Errorf("ip still shows %v", ids)
			}
			wantNewLink(t, ns, first, plan, a.Link.ID)
		})
	}
}

// TestXDPLinkRefused: a link that cannot be leaves no pin.
func TestXDPLinkRefused(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	p := lab.Load(t, "tiny.o", elf.Selector{}).Program()
	plain := attach.XDP{Ifindex: v0}
	if _, err := attachIn(t, ns, p, attach.Plan{Hook: plain}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		plan attach.Plan
		says string
		is   error
	}{
		{"taken", attach.Plan{Hook: attach.XDP{Ifindex: v0}, Replace: true}, "whose place a bpf_link cannot take", os.ErrExist},
		{"offload", attach.Plan{Hook: attach.XDP{Ifindex: v0, Mode: netlink.XDPOffload}}, "no BPF offload", unix.EINVAL},
		{"native on lo", attach.Plan{Hook: attach.XDP{Ifindex: 1, Mode: netlink.XDPNative}}, "river ", errors.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join("/sys/fs/bpf", "refused")
			tt.plan.Link = filepath.Join(dir, "link")
			_, err := attachIn(t, ns, p, tt.plan)
			if err == nil || !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("attach: %v, want %q", err, tt.says)
			}
			if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("left behind: %v", err)
			}
		})
	}
}

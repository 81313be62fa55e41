package attach_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// TestLink: a bpf_link of one's own holds a program until it is closed, unless it
// is pinned by then; by its pin and by its id it is the same.
func TestLink(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for name, at := range map[string]struct {
		hook attach.Hook
		typ  ebpf.ProgramType
	}{
		"xdp": {attach.XDP{Device: "v0"}, ebpf.XDP},
		"tcx": {attach.TCX{Device: "v0"}, ebpf.SchedCLS},
	} {
		t.Run(name, func(t *testing.T) {
			b := lab.NewBench(t)
			one, two := returning(t, at.typ, "one"), returning(t, at.typ, "two")
			l, err := attach.NewLink(b.Conn, one, at.hook)
			if err != nil {
				t.Fatal(err)
			}
			if got := runningOn(b, b.Hook.Ifindex); len(got) != 1 || got[0] != one.ID {
				t.Errorf("the device runs %d, want %d", got, one.ID)
			}
			if err := l.Update(two, two); !errors.Is(err, os.ErrPermission) {
				t.Errorf("update of what it does not hold: %v", err)
			}
			path := b.Root + "/link"
			if err := errors.Join(l.Update(two, one), l.Pin(path), l.Close(), l.Close()); err != nil {
				t.Fatal(err)
			}
			pinned, err := attach.OpenLink(attach.PinnedAt(path))
			if err != nil {
				t.Fatal(err)
			}
			defer pinned.Close()
			byID, err := attach.OpenLink(attach.LinkID(pinned.ID))
			if err != nil || byID.ID != l.ID {
				t.Fatalf("link %+v, want %d (%v)", byID, l.ID, err)
			}
			defer byID.Close()
			if got := runningOn(b, b.Hook.Ifindex); len(got) != 1 || got[0] != two.ID {
				t.Errorf("the device runs %d, want %d", got, two.ID)
			}
			if err := byID.Detach(); err != nil {
				t.Fatal(err)
			}
			if err := pinned.Update(one, nil); !errors.Is(err, attach.ErrLinkDetached) {
				t.Errorf("update of a detached link: %v", err)
			}
			again, err := attach.NewLink(b.Conn, one, at.hook)
			if err != nil {
				t.Fatal(err)
			}
			again.Close()
			for deadline := time.Now().Add(bpftest.Patience); len(runningOn(b, b.Hook.Ifindex)) > 0; { // a bpf_link goes late
				if time.Now().After(deadline) {
					t.Fatal("a link that was closed still holds its program")
				}
			}
		})
	}
}

func TestLinkErrors(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("shared_xdp.o", load.Options{})
	p := classifier(t, "classifier")
	filter := attach.Clsact{Device: "v0", Filter: netlink.Filter{Parent: netlink.Ingress}}
	if _, err := attach.NewLink(b.Conn, p, filter); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("of a filter: %v", err)
	}
	path := b.Root + "/link"
	if _, err := lab.Attach(t, b.Conn, p, attach.Plan{Hook: filter, Link: path}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("plan for a filter: %v", err)
	}
	if _, err := attach.OpenLink(attach.PinnedAt(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no pin: %v", err)
	}
	if _, err := attach.OpenLink(attach.PinnedAt(l.Map("shared").Pin)); !errors.Is(err, attach.ErrNotLink) {
		t.Errorf("pin of a map: %v", err)
	}
	if _, err := attach.OpenLink(attach.ProgramName("one")); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("by a program's name: %v", err)
	}
}

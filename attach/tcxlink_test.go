package attach_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/prog"
)

// TestTCXLink: a pinned link outlives the loader, is updated under traffic
// without a packet that no program sees, and ends with its pin.
func TestTCXLink(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	const drop, updates = 2, 200
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	in, out := ns.Tap(v0), ns.Tap(v1)
	trail := newTrail(t)
	programs := [2]*prog.Program{trail.program("one", 1, drop), trail.program("two", 2, drop)}
	plan := attach.Plan{Hook: attach.TCX{Ifindex: v0}, Link: filepath.Join("/sys/fs/bpf", t.Name(), "link")}
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(plan.Link)) })
	a, err := attachIn(t, ns, programs[0], plan)
	if err != nil {
		t.Fatal(err)
	}
	if a.Link == nil || a.Program.ID != programs[0].ID {
		t.Fatalf("attached %+v", a)
	}
	if _, err := attachIn(t, ns, programs[1], plan); !errors.Is(err, os.ErrExist) {
		t.Errorf("the pin was taken: %v", err)
	}
	plain := attach.TCX{Ifindex: v0}
	if _, err := detachIn(t, ns, plain); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), fmt.Sprintf("bpf_link id %d", a.Link.ID)) {
		t.Errorf("detach of what a link holds: %v", err)
	}

	traffic := out.Start()
	plan.Replace = true
	for i := 0; i < updates || traffic.Sent() < updates; i++ {
		b, err := attachIn(t, ns, programs[(i+1)%2], plan)
		if err != nil {
			t.Errorf("update %d: %v", i, err)
			break
		}
		if b.Link == nil || b.Link.ID != a.Link.ID || b.Replaced == nil || b.Replaced.ID != programs[i%2].ID {
			t.Errorf("update %d: %+v", i, b)
			break
		}
	}
	sent := traffic.Stop()
	if frame, err := in.Receive(); frame != nil || err != nil {
		t.Errorf("one of %d packets came through: %v", sent, err)
	}
	t.Logf("%d updates, %d packets", updates, sent)

	instead := attach.TCX{Ifindex: v0, Order: attach.Order{Anchor: attach.Replace(attach.PinnedAt(plan.Link))}}
	b, err := attachIn(t, ns, programs[1], attach.Plan{Hook: instead})
	if err != nil || b.Link == nil || b.Link.ID != a.Link.ID || b.Replaced == nil || b.Replaced.ID != programs[0].ID {
		t.Errorf("replaced by the link's pin: %+v, %v", b, err)
	}
	if err := os.Remove(plan.Link); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(bpftest.Patience); ; { // a bpf_link goes late
		if _, seen := trail.read(out, in); seen {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("without its pin the link still holds the program")
		}
	}
}

// TestTCXLinkDetached: a link that was detached holds nothing again.
func TestTCXLinkDetached(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	trail := newTrail(t)
	hook := attach.TCX{Ifindex: v0, Egress: true}
	plan := attach.Plan{Hook: hook, Link: filepath.Join("/sys/fs/bpf", t.Name()), Replace: true}
	t.Cleanup(func() { os.Remove(plan.Link) })
	a, err := attachIn(t, ns, trail.program("one", 1, next), plan)
	if err != nil {
		t.Fatal(err)
	}
	other := plan
	other.Hook = attach.TCX{Ifindex: v0}
	if _, err := attachIn(t, ns, trail.program("two", 2, next), other); err == nil || !strings.Contains(err.Error(), "on another hook") {
		t.Errorf("update from another hook: %v", err)
	}
	hook.Which = attach.LinkID(a.Link.ID)
	if off, err := detachIn(t, ns, hook); err != nil || off.Link.ID != a.Link.ID {
		t.Fatalf("detached %+v, %v", off, err)
	}
	if got := on(t, ns, v0); got != nil {
		t.Errorf("still there: %v", got)
	}
	wantNewLink(t, ns, trail.program("two", 2, next), plan, a.Link.ID)
}

package attach_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/prog"
)

func TestTCXOrder(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	in, out := ns.Tap(v0), ns.Tap(v1)
	trail := newTrail(t)
	one, two, three := trail.program("one", 1, next), trail.program("two", 2, next), trail.program("three", 3, next)
	four := trail.program("four", 4, next)
	pinned := "/sys/fs/bpf/two"
	ns.Do(func() error { return os.RemoveAll(pinned) })
	if err := pinProgram(two, pinned); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(pinned) })
	hook := func(a attach.Anchor) attach.TCX {
		return attach.TCX{Ifindex: v0, Order: attach.Order{Anchor: a}}
	}
	for _, step := range []struct {
		name   string
		p      *prog.Program
		anchor attach.Anchor
		want   uint32
	}{
		{"alone", one, nil, 1},
		{"last", two, attach.Last(), 12},
		{"first", three, attach.First(), 312},
		{"before by pin", four, attach.Before(attach.PinnedAt(pinned)), 3142},
		{"replace by id", trail.program("five", 5, next), attach.Replace(attach.ProgramID(four.ID)), 3152},
		{"after by name", four, attach.After(attach.ProgramName("three")), 34152},
		{"before by id", trail.program("six", 6, next), attach.Before(attach.ProgramID(three.ID)), 634152},
		{"after by id", trail.program("seven", 7, next), attach.After(attach.ProgramID(two.ID)), 6341527},
		{"replace by name", trail.program("eight", 8, next), attach.Replace(attach.ProgramName("six")), 8341527},
	} {
		a, err := attachIn(t, ns, step.p, attach.Plan{Hook: hook(step.anchor)})
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if a.Program.ID != step.p.ID || a.Hook() != "tcx/ingress" || a.Device != "v0" || a.Link != nil {
			t.Errorf("%s: attached %+v", step.name, a)
		}
		way, seen := trail.read(out, in)
		if way != step.want || !seen {
			t.Errorf("%s: the packet went %d, want %d, seen %v", step.name, way, step.want, seen)
		}
	}
	if diff := cmp.Diff([]string{
		"tcx/ingress eight", "tcx/ingress three", "tcx/ingress four", "tcx/ingress one",
		"tcx/ingress five", "tcx/ingress two", "tcx/ingress seven",
	}, on(t, ns, v0)); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
	for _, which := range []attach.Ref{attach.ProgramName("eight"), attach.ProgramID(three.ID), attach.PinnedAt(pinned)} {
		h := hook(nil)
		h.Which = which
		if _, err := detachIn(t, ns, h); err != nil {
			t.Errorf("detach %v: %v", which, err)
		}
	}
	if way, _ := trail.read(out, in); way != 4157 {
		t.Errorf("after three were detached the packet went %d, want 4157", way)
	}
}

func pinProgram(p *prog.Program, path string) error {
	dup, err := unix.Dup(p.FD())
	if err != nil {
		return err
	}
	prog, err := ebpf.NewProgramFromFD(dup)
	if err != nil {
		return err
	}
	defer prog.Close()
	return prog.Pin(path)
}

// TestTCXVerdict: the first program with a verdict decides.
func TestTCXVerdict(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	const pass, drop = 0, 2
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	in, out := ns.Tap(v0), ns.Tap(v1)
	trail := newTrail(t)
	hook := attach.TCX{Ifindex: v0}
	hook.Anchor = attach.First()
	for _, step := range []struct {
		p    *prog.Program
		want uint32
		seen bool
	}{
		{trail.program("drop", 2, drop), 2, false},
		{trail.program("pass", 3, pass), 3, true},
		{trail.program("next", 1, next), 13, true},
	} {
		if _, err := attachIn(t, ns, step.p, attach.Plan{Hook: hook}); err != nil {
			t.Fatal(err)
		}
		if way, seen := trail.read(out, in); way != step.want || seen != step.seen {
			t.Errorf("%s: the packet went %d, seen %v, want %d, %v", step.p.Name, way, seen, step.want, step.seen)
		}
	}
}

func TestTCXRefusals(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	trail := newTrail(t)
	one, twin := trail.program("one", 1, next), trail.program("one", 2, next)
	hook := func(o attach.Order) attach.TCX { return attach.TCX{Ifindex: v0, Order: o} }
	first, err := attachIn(t, ns, one, attach.Plan{Hook: hook(attach.Order{})})
	if err != nil {
		t.Fatal(err)
	}
	stale := first.Multi.Revision
	second, err := attachIn(t, ns, twin, attach.Plan{Hook: hook(attach.Order{Revision: stale})})
	if err != nil {
		t.Fatal(err)
	}
	if second.Multi.Revision != stale+1 || second.Multi.Position != 1 {
		t.Errorf("second is %+v, revision was %d", second.Multi, stale)
	}
	other := trail.program("other", 3, next)
	for _, tt := range []struct {
		name  string
		p     *prog.Program
		order attach.Order
		is    error
		says  string
	}{
		{"stale revision", other, attach.Order{Revision: stale}, unix.ESTALE, fmt.Sprintf("at revision %d, not %d", stale+1, stale)},
		{"twice", one, attach.Order{}, os.ErrExist, "already on the hook"},
		{"no such id", other, attach.Order{Anchor: attach.Before(attach.ProgramID(1 << 30))}, os.ErrNotExist, "no program with id 1073741824 is attached, only id "},
		{"no such pin", other, attach.Order{Anchor: attach.After(attach.PinnedAt("/sys/fs/bpf/none"))}, os.ErrNotExist, "/sys/fs/bpf/none"},
		{"no such link", other, attach.Order{Anchor: attach.Replace(attach.LinkID(1))}, os.ErrNotExist, "no program with link 1"},
		{"two of a name", other, attach.Order{Anchor: attach.Before(attach.ProgramName("one"))}, nil, fmt.Sprintf("2 programs, and name one could be each: id %d name one, id %d name one", one.ID, twin.ID)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := attachIn(t, ns, tt.p, attach.Plan{Hook: hook(tt.order)})
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("attach: %v, want %v and %q", err, tt.is, tt.says)
			}
		})
	}
	if _, err := detachIn(t, ns, hook(attach.Order{})); err == nil || !strings.Contains(err.Error(), "the only program") {
		t.Errorf("detach of one of two: %v", err)
	}
	if _, err := detachIn(t, ns, attach.TCX{Ifindex: v0, Egress: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("detach of none: %v", err)
	}
	if got := on(t, ns, v0); len(got) != 2 {
		t.Errorf("refusals changed the hook: %v", got)
	}
}

// TestTCXMissing: a kernel without tcx says since when there is.
func TestTCXMissing(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Absent(bpftest.TCX))
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	_, err := attachIn(t, ns, newTrail(t).program("one", 1, next), attach.Plan{Hook: attach.TCX{Ifindex: v0}})
	refused, ok := errors.AsType[*attach.HookError](err)
	if !ok || refused.Since != "6.6" || !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "Linux 6.6") {
		t.Errorf("attach: %v", err)
	}
}

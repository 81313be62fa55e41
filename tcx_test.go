package xdpload_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// next is TCX_NEXT and NETKIT_NEXT.
const next = -1

// A trail is a number to which each program that a packet meets appends a
// digit.
type trail struct {
	t *testing.T
	m *ebpf.Map
}

func newTrail(t *testing.T) trail {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return trail{t, m}
}

// program appends the digit to the trail, if the packet is of the tests.
func (r trail) program(name string, digit, verdict int32) *prog.Program {
	r.t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: name, Type: ebpf.SchedCLS, License: "MIT",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R6, asm.R1, 16, asm.Word), // skb->protocol, network byte order
			asm.Mov.Imm(asm.R7, verdict),
			asm.HostTo(asm.BE, asm.R6, asm.Half),
			asm.JNE.Imm(asm.R6, bpftest.EtherType, "leave"),
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.LoadMapPtr(asm.R1, r.m.FD()),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "out"),
			asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
			asm.Mul.Imm(asm.R1, 10),
			asm.Add.Imm(asm.R1, digit),
			asm.StoreMem(asm.R0, 0, asm.R1, asm.Word),
			asm.Mov.Reg(asm.R0, asm.R7).WithSymbol("out"),
			asm.Return(),
			asm.Mov.Imm(asm.R0, next).WithSymbol("leave"),
			asm.Return(),
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	defer p.Close()
	fd, err := unix.Dup(p.FD())
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := prog.OpenFD(fd, ebpf.SchedCLS)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { out.Close() })
	return out
}

// read returns the trail of what send sends, and whether the stack of the
// receiver sees it.
func (r trail) read(from, to *bpftest.Tap) (way uint32, seen bool) {
	r.t.Helper()
	if err := r.m.Put(uint32(0), uint32(0)); err != nil {
		r.t.Fatal(err)
	}
	for { // what is left of before
		if frame, err := to.Receive(); err != nil || frame == nil {
			break
		}
	}
	if err := from.Offer(bpftest.Frame(1)); err != nil {
		r.t.Fatal(err)
	}
	frame, err := to.Receive()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.m.Lookup(uint32(0), &way); err != nil {
		r.t.Fatal(err)
	}
	return way, frame != nil
}

// attachIn attaches on a thread that is in the namespace.
func attachIn(ns *bpftest.Namespace, p *prog.Program, h attach.Hook) (a *attach.Attachment, err error) {
	ns.Netlink(func(c *netlink.Conn) error {
		a, err = xdpload.Attach(c, p, h)
		return nil
	})
	return a, err
}

func detachIn(ns *bpftest.Namespace, h attach.Hook) (a *attach.Attachment, err error) {
	ns.Netlink(func(c *netlink.Conn) error {
		a, err = xdpload.Detach(c, h)
		return nil
	})
	return a, err
}

// on lists what runs on a device, as "HOOK NAME".
func on(t *testing.T, ns *bpftest.Namespace, ifindex int) (all []string) {
	t.Helper()
	ns.Netlink(func(c *netlink.Conn) error {
		for a, err := range attach.Attachments(c, ifindex) {
			if err != nil {
				return err
			}
			all = append(all, a.Hook()+" "+a.Program.Name)
		}
		return nil
	})
	return all
}

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
		a, err := attachIn(ns, step.p, hook(step.anchor))
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
		if _, err := detachIn(ns, h); err != nil {
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
		if _, err := attachIn(ns, step.p, hook); err != nil {
			t.Fatal(err)
		}
		if way, seen := trail.read(out, in); way != step.want || seen != step.seen {
			t.Errorf("%s: the packet went %d, seen %v, want %d, %v", step.p.Name, way, seen, step.want, step.seen)
		}
	}
}

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
		if _, err := attachIn(ns, trail.program(fmt.Sprintf("p%d", i+1), int32(i+1), next), h); err != nil {
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

func TestTCXRefusals(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	trail := newTrail(t)
	one, twin := trail.program("one", 1, next), trail.program("one", 2, next)
	hook := func(o attach.Order) attach.TCX { return attach.TCX{Ifindex: v0, Order: o} }
	first, err := attachIn(ns, one, hook(attach.Order{}))
	if err != nil {
		t.Fatal(err)
	}
	stale := first.Multi.Revision
	second, err := attachIn(ns, twin, hook(attach.Order{Revision: stale}))
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
			_, err := attachIn(ns, tt.p, hook(tt.order))
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("attach: %v, want %v and %q", err, tt.is, tt.says)
			}
		})
	}
	if _, err := detachIn(ns, hook(attach.Order{})); err == nil || !strings.Contains(err.Error(), "the only program") {
		t.Errorf("detach of one of two: %v", err)
	}
	if _, err := detachIn(ns, attach.TCX{Ifindex: v0, Egress: true}); !errors.Is(err, os.ErrNotExist) {
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
	_, err := attachIn(ns, newTrail(t).program("one", 1, next), attach.TCX{Ifindex: v0})
	refused, ok := errors.AsType[*attach.HookError](err)
	if !ok || refused.Since != "6.6" || !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "Linux 6.6") {
		t.Errorf("attach: %v", err)
	}
}

// linkWitness is what bpftool says of a link.
type linkWitness struct {
	ID      uint32
	Type    string
	Prog    uint32   `json:"prog_id"`
	Pinned  []string `json:"pinned"`
	Devname string
}

func bpftoolLink(t *testing.T, ns *bpftest.Namespace, id uint32) (link linkWitness) {
	t.Helper()
	bpftest.Need(t, bpftest.Command("bpftool"))
	cmd := exec.Command("bpftool", "-j", "-f", "link", "show", "id", fmt.Sprint(id))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out.String()), &link); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return link
}

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
	hook := attach.TCX{Ifindex: v0}
	hook.Link = filepath.Join("/sys/fs/bpf", t.Name(), "link")
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(hook.Link)) })
	a, err := attachIn(ns, programs[0], hook)
	if err != nil {
		t.Fatal(err)
	}
	if a.Link == nil || a.Program.ID != programs[0].ID {
		t.Fatalf("attached %+v", a)
	}
	if _, err := attachIn(ns, programs[1], hook); !errors.Is(err, os.ErrExist) {
		t.Errorf("the pin was taken: %v", err)
	}
	plain := attach.TCX{Ifindex: v0}
	if _, err := detachIn(ns, plain); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), fmt.Sprintf("bpf_link id %d", a.Link.ID)) {
		t.Errorf("detach of what a link holds: %v", err)
	}

	traffic := out.Start()
	hook.Update = true
	for i := 0; i < updates || traffic.Sent() < updates; i++ {
		b, err := attachIn(ns, programs[(i+1)%2], hook)
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

	instead := attach.TCX{Ifindex: v0}
	instead.Anchor = attach.Replace(attach.PinnedAt(hook.Link))
	b, err := attachIn(ns, programs[1], instead)
	if err != nil || b.Link == nil || b.Link.ID != a.Link.ID || b.Replaced == nil || b.Replaced.ID != programs[0].ID {
		t.Errorf("replaced by the link's pin: %+v, %v", b, err)
	}
	if err := os.Remove(hook.Link); err != nil {
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
	hook.Link, hook.Update = filepath.Join("/sys/fs/bpf", t.Name()), true
	t.Cleanup(func() { os.Remove(hook.Link) })
	a, err := attachIn(ns, trail.program("one", 1, next), hook)
	if err != nil {
		t.Fatal(err)
	}
	other := hook
	other.Egress = false
	if _, err := attachIn(ns, trail.program("two", 2, next), other); err == nil || !strings.Contains(err.Error(), "on another hook") {
		t.Errorf("update from another hook: %v", err)
	}
	hook.Which = attach.LinkID(a.Link.ID)
	if off, err := detachIn(ns, hook); err != nil || off.Link.ID != a.Link.ID {
		t.Fatalf("detached %+v, %v", off, err)
	}
	if got := on(t, ns, v0); got != nil {
		t.Errorf("still there: %v", got)
	}
	if _, err := attachIn(ns, trail.program("two", 2, next), hook); !errors.Is(err, attach.ErrLinkDetached) {
		t.Errorf("update of a detached link: %v", err)
	}
}

package xdpload_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// A herd is many devices of a namespace: f0, f1 and so on, and lo.
type herd struct {
	*bench
	size int
}

func newHerd(t *testing.T, size int) *herd {
	h := &herd{bench: newBench(t), size: size}
	for i := 0; i < size; i += 2 {
		h.ns.AddVeth(fmt.Sprint("f", i), fmt.Sprint("f", i+1))
	}
	return h
}

func (h *herd) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// links lists the herd.
func (h *herd) links() (all []*netlink.Link) {
	h.t.Helper()
	for l, err := range h.conn.Links() {
		h.check(err)
		if strings.HasPrefix(l.Name, "f") {
			all = append(all, l)
		}
	}
	return all
}

func (h *herd) device(name string) int {
	h.t.Helper()
	l, err := h.conn.Link(name)
	h.check(err)
	return l.Index
}

// state is what each device runs, as the kernel tells.
func (h *herd) state() map[string][]netlink.XDPProgram {
	state := make(map[string][]netlink.XDPProgram)
	for _, l := range h.links() {
		state[l.Name] = l.XDP.Programs
	}
	return state
}

func (h *herd) install(links []*netlink.Link, hook attach.XDP, atomic bool) (*load.Loaded, []attach.Outcome) {
	h.t.Helper()
	s := &xdpload.Object{Object: objectOf(h.t, "drop.o"), Options: h.options(load.Options{})}
	all, err := h.apply(h.t.Context(), s, links, hook, atomic)
	h.check(err)
	h.t.Cleanup(func() { s.Close() })
	return s.Loaded(), all
}

// apply has the devices, as they were listed, run what comes from a source; from nil
// nothing.
func (h *herd) apply(ctx context.Context, s attach.Source, links []*netlink.Link, hook attach.XDP, atomic bool) ([]attach.Outcome, error) {
	known := new(attach.Inventory)
	var plans []attach.Plan
	for _, l := range links {
		known.AddLink(l)
		hook.Ifindex = l.Index
		plans = append(plans, attach.Plan{Source: s, Hook: hook})
	}
	return attach.Apply(ctx, h.conn, plans, attach.Options{Atomic: atomic, Known: known})
}

// open is a source of a program that is open.
func open(p *prog.Program) attach.Source { return xdpload.Open(p) }

func (h *herd) program(name string) *prog.Program {
	h.t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: name, Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	h.check(err)
	defer p.Close()
	info, err := p.Info()
	h.check(err)
	id, _ := info.ID()
	out, err := prog.OpenID(uint32(id), ebpf.XDP)
	h.check(err)
	h.t.Cleanup(func() { out.Close() })
	return out
}

// refusing has three devices refuse a native program: a bpf_link holds the
// hook, the peer's packets are too large, and it is gone since it was listed.
func (h *herd) refusing() (links []*netlink.Link, want map[string]error) {
	h.t.Helper()
	owner, f4 := h.ebpf("owner"), h.device("f4")
	h.ns.Do(func() error {
		l, err := link.AttachXDP(link.XDPOptions{Program: owner, Interface: f4})
		if err == nil {
			h.t.Cleanup(func() { l.Close() })
		}
		return err
	})
	f9 := h.device("f9")
	h.ns.Do(func() error { return testdev.SetMTU(f9, 9000) }) // f8 is its peer
	links = h.links()
	h.check(h.conn.DeleteLink(h.device("f20"))) // and f21 with it
	links = slices.DeleteFunc(links, func(l *netlink.Link) bool { return l.Name == "f21" })
	return links, map[string]error{"f4": os.ErrExist, "f8": nil, "f20": os.ErrNotExist}
}

func (h *herd) ebpf(name string) *ebpf.Program {
	h.t.Helper()
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(h.program(name).ID))
	h.check(err)
	h.t.Cleanup(func() { p.Close() })
	return p
}

// refused checks that these refused, and no other.
func (h *herd) refused(all []attach.Outcome, want map[string]error) {
	h.t.Helper()
	n := 0
	for _, o := range all {
		is, refuses := want[o.Device]
		switch {
		case !refuses && o.Err != nil:
			h.t.Errorf("%s: %v", o.Device, o.Err)
		case refuses && (o.Err == nil || is != nil && !errors.Is(o.Err, is)):
			h.t.Errorf("%s: got %v, want %v", o.Device, o.Err, is)
		case refuses:
			n++
		}
	}
	if n != len(want) {
		h.t.Errorf("%d devices refused, want %d", n, len(want))
	}
}

// TestEachSomeRefuse: three of a thousand refuse, the others run the program.
func TestEachSomeRefuse(t *testing.T) {
	h := newHerd(t, herdSize())
	links, want := h.refusing()
	l, all := h.install(links, attach.XDP{}, false)
	h.refused(all, want)
	if l == nil {
		t.Fatal("nothing was loaded")
	}
	n := 0
	for name, on := range h.state() {
		if slices.Equal(on, []netlink.XDPProgram{{Mode: netlink.XDPNative, ID: l.Program().ID}}) {
			n++
		} else if _, refuses := want[name]; !refuses && name != "f21" {
			t.Errorf("%s runs %v", name, on)
		}
	}
	if n != len(links)-3 {
		t.Errorf("%d devices run the program, want %d", n, len(links)-3)
	}
	for _, o := range all {
		if o.Err == nil && (!o.Changed() || o.Attachment.Mode != netlink.XDPNative || o.Gone != nil) {
			t.Fatalf("%s: %+v", o.Device, o)
		}
	}

	all, err := h.apply(t.Context(), nil, h.links(), attach.XDP{}, false)
	h.check(err)
	h.refused(all, map[string]error{"f4": os.ErrExist})
	for name, on := range h.state() {
		if len(on) > 0 != (name == "f4") {
			t.Errorf("after the detach %s runs %v", name, on)
		}
	}
}

func herdSize() int {
	if bpftest.InGuest() {
		return 300 // three chunks
	}
	return 1000
}

// TestEachAtomic: three refuse, so every device is as it was before: some ran
// a program, some another, some none.
func TestEachAtomic(t *testing.T) {
	h := newHerd(t, herdSize())
	old := []*prog.Program{h.program("old0"), h.program("old1")}
	links, want := h.refusing()
	for i, l := range links {
		if _, refuses := want[l.Name]; i%3 != 2 && !refuses {
			h.check(h.conn.SetXDP(l.Index, netlink.XDP{FD: old[i%3].FD()}))
		}
	}
	for _, p := range old {
		h.check(p.Close()) // the devices hold them, and nothing else
	}
	links = slices.DeleteFunc(append(h.links(), links...), func(l *netlink.Link) bool {
		return l.Name != "f20" && slices.Contains(links, l) // as they are now, and the one that is gone
	})
	before := h.state()
	for _, tt := range []struct {
		name string
		do   func() []attach.Outcome
		want map[string]error
	}{
		{"attach", func() []attach.Outcome {
			l, all := h.install(links, attach.XDP{Replace: true}, true)
			if l != nil {
				t.Error("something stays loaded")
			}
			return all
		}, want},
		{"detach", func() []attach.Outcome {
			all, err := h.apply(t.Context(), nil, links, attach.XDP{}, true)
			h.check(err)
			return all
		}, map[string]error{"f4": os.ErrExist}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.NoLeaks(t)
			all := tt.do()
			h.refused(all, tt.want)
			if diff := cmp.Diff(before, h.state()); diff != "" {
				t.Errorf("what the devices run (-before +after):\n%s", diff)
			}
			for _, o := range all {
				if o.Changed() || o.Attachment != nil && o.Err == nil && o.Gone != nil {
					t.Fatalf("%s: %+v", o.Device, o)
				}
			}
		})
	}
}

// stopAfter is a context that ends after it was asked so many times, and calls
// a function then.
type stopAfter struct {
	context.Context
	asked, limit int
	then         func()
}

func (c *stopAfter) Err() error {
	c.asked++
	if c.asked == c.limit && c.then != nil {
		c.then()
	}
	if c.asked >= c.limit {
		return context.Canceled
	}
	return nil
}

// TestEachInterrupted: wherever it is interrupted, no device is without what it
// had before.
func TestEachInterrupted(t *testing.T) {
	h := newHerd(t, 300)
	old := h.program("old")
	for i, l := range h.links() {
		if i%2 == 0 {
			h.check(h.conn.SetXDP(l.Index, netlink.XDP{FD: old.FD()}))
		}
	}
	before := h.state()
	p := h.program("new")
	for _, limit := range []int{1, 128, 129, 200, 257, 300} {
		links, hook := h.links(), attach.XDP{Replace: true}
		_, err := h.apply(&stopAfter{Context: t.Context(), limit: limit}, open(p), links, hook, true)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted at %d: got %v", limit, err)
		}
		_, err = h.apply(&stopAfter{Context: t.Context(), limit: limit}, nil, links, hook, true)
		if limit <= 150 && !errors.Is(err, context.Canceled) { // there are 150 to detach from
			t.Errorf("detach interrupted at %d: got %v", limit, err)
		}
		if limit > 150 {
			h.check(err)
			h.restore(before, old)
		}
		if diff := cmp.Diff(before, h.state()); diff != "" {
			t.Fatalf("interrupted at %d: what the devices run (-before +after):\n%s", limit, diff)
		}
	}
}

func (h *herd) restore(before map[string][]netlink.XDPProgram, p *prog.Program) {
	h.t.Helper()
	for _, l := range h.links() {
		if len(before[l.Name]) > 0 {
			h.check(h.conn.SetXDP(l.Index, netlink.XDP{FD: p.FD()}))
		}
	}
}

// TestEachUndoneByOthers: what others attach before it is undone stays, and is
// that device's error.
func TestEachUndoneByOthers(t *testing.T) {
	h := newHerd(t, 140)
	p, theirs := h.program("new"), h.program("theirs")
	first := h.links()[0]
	// The first 128 have been changed when the 129th is asked about.
	ctx := &stopAfter{Context: t.Context(), limit: 129, then: func() {
		h.check(h.conn.SetXDP(first.Index, netlink.XDP{FD: theirs.FD()}))
	}}
	_, err := h.apply(ctx, open(p), h.links(), attach.XDP{}, true)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), first.Name+": what was there before could not be put back") {
		t.Errorf("got %v", err)
	}
	for name, on := range h.state() {
		if want := name == first.Name; want != slices.Equal(on, []netlink.XDPProgram{{Mode: netlink.XDPNative, ID: theirs.ID}}) || !want && len(on) > 0 {
			t.Errorf("%s runs %v", name, on)
		}
	}
}

// TestEachOvertaken: a program that others have attached since the devices were
// listed is what is replaced, and reported so.
func TestEachOvertaken(t *testing.T) {
	h := newHerd(t, 6)
	old, theirs, p := h.program("old"), h.program("theirs"), h.program("new")
	f0, f1, f2 := h.device("f0"), h.device("f1"), h.device("f2")
	h.check(h.conn.SetXDP(f0, netlink.XDP{FD: old.FD()}))
	h.check(h.conn.SetXDP(f2, netlink.XDP{FD: old.FD()}))
	links := h.links()
	h.check(h.conn.SetXDP(f0, netlink.XDP{FD: theirs.FD()}))
	h.check(h.conn.SetXDP(f1, netlink.XDP{FD: theirs.FD()}))
	h.check(h.conn.SetXDP(f2, netlink.XDP{FD: -1}))
	all, err := h.apply(t.Context(), open(p), links, attach.XDP{Replace: true}, false)
	h.check(err)
	want := map[string]uint32{"f0": theirs.ID, "f1": theirs.ID}
	for _, o := range all {
		var gone uint32
		if o.Gone != nil {
			gone = o.Gone.ID
		}
		if o.Err != nil || gone != want[o.Device] {
			t.Errorf("%s: %v, replaced %d, want %d", o.Device, o.Err, gone, want[o.Device])
		}
	}
	links = h.links()
	h.check(h.conn.SetXDP(f0, netlink.XDP{FD: theirs.FD()}))
	all, err = h.apply(t.Context(), nil, links, attach.XDP{}, false)
	h.check(err)
	for _, o := range all {
		if o.Err != nil || o.Gone == nil || o.Gone.ID != map[bool]uint32{true: theirs.ID, false: p.ID}[o.Device == "f0"] {
			t.Errorf("%s: %v, detached %+v", o.Device, o.Err, o.Gone)
		}
	}
}

// TestEachModes: native excludes generic, and the kernel says so with -force too;
// what runs in several modes is not detached by halves.
func TestEachModes(t *testing.T) {
	h := newHerd(t, 4)
	p := h.program("new")
	h.check(h.conn.SetXDP(h.device("f0"), netlink.XDP{FD: p.FD(), Mode: netlink.XDPGeneric}))
	all, err := h.apply(t.Context(), open(p), h.links(), attach.XDP{Mode: netlink.XDPNative, Replace: true}, false)
	h.check(err)
	h.refused(all, map[string]error{"f0": os.ErrExist})
	for _, o := range all {
		if o.Device == "f0" && !strings.Contains(o.Err.Error(), "Native and generic XDP") {
			t.Errorf("f0: %v", o.Err)
		}
	}
	all, err = h.apply(t.Context(), nil, h.links(), attach.XDP{Mode: netlink.XDPNative}, false)
	h.check(err)
	h.refused(all, nil)
	if on := h.state()["f0"]; len(on) != 1 {
		t.Errorf("xdpdrv off: f0 runs %v", on)
	}
}

// TestEachIdempotent: what runs the like stays, others get the program.
func TestEachIdempotent(t *testing.T) {
	h := newHerd(t, 6)
	first, _ := h.install(h.links()[:3], attach.XDP{}, false)
	second, all := h.install(h.links(), attach.XDP{Replace: true, Idempotent: true}, false)
	for i, o := range all {
		want := second
		if i < 3 {
			want = first
		}
		if o.Err != nil || o.Attachment.Unchanged != (i < 3) || o.Attachment.Program.ID != want.Program().ID {
			t.Errorf("%s: %+v", o.Device, o.Attachment)
		}
	}
	_, all = h.install(h.links(), attach.XDP{Replace: true, Idempotent: true}, false)
	for _, o := range all {
		if o.Err != nil || !o.Attachment.Unchanged {
			t.Errorf("%s: %+v", o.Device, o)
		}
	}
}

// TestEachCommitFails: when a slot of a pinned array refuses last of all, every
// device has back what it had.
func TestEachCommitFails(t *testing.T) {
	h := newHerd(t, 6)
	first := h.bench.install("live_drop.o", load.Options{}) // pins the array
	old := h.program("old")
	h.check(h.conn.SetXDP(h.device("f1"), netlink.XDP{FD: old.FD()}))
	before := h.state()
	o := h.options(load.Options{Loaded: func(*load.Loaded) error { return mapOf(t, first, "jmp").Freeze() }})
	s := &xdpload.Object{Object: objectOf(t, "live_tx.o"), Options: o}
	_, err := h.apply(t.Context(), s, h.links(), attach.XDP{Replace: true}, false)
	refused, ok := errors.AsType[*load.Error](err)
	if !ok || refused.Map != "jmp" || strings.Contains(err.Error(), "put back") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, h.state()); diff != "" {
		t.Errorf("what the devices run (-before +after):\n%s", diff)
	}
}

// TestEachModeChosen: without a mode each device has the one that the kernel
// chooses, and is said to have it; lo has no native one.
func TestEachModeChosen(t *testing.T) {
	h := newHerd(t, 2)
	lo, err := h.conn.Link("lo")
	h.check(err)
	links := append(h.links(), lo)
	want := map[string]netlink.XDPMode{"f0": netlink.XDPNative, "f1": netlink.XDPNative, "lo": netlink.XDPGeneric}
	for _, replace := range []bool{false, true} { // what runs there is in the mode
		_, all := h.install(links, attach.XDP{Replace: replace}, replace)
		for _, o := range all {
			h.check(o.Err)
			l, err := h.conn.Link(o.Device)
			h.check(err)
			if mode := want[o.Device]; o.Attachment.Mode != mode || l.XDP.Mode != mode || l.XDP.Programs[0].ID != o.Attachment.Program.ID {
				t.Errorf("%s: %v of program %d, the kernel says %+v, want %v", o.Device, o.Attachment.Mode, o.Attachment.Program.ID, l.XDP, mode)
			}
		}
		for _, l := range links {
			seen, err := h.conn.LinkByIndex(l.Index)
			h.check(err)
			*l = *seen
		}
	}
}

// TestEachModeUndone: what was tried in another mode is taken back too.
func TestEachModeUndone(t *testing.T) {
	h := newHerd(t, 2)
	lo, err := h.conn.Link("lo")
	h.check(err)
	_, first := h.install(h.links()[1:], attach.XDP{Mode: netlink.XDPGeneric}, false)
	h.check(first[0].Err)
	links := append(h.links(), lo)
	_, all := h.install(links, attach.XDP{}, true)
	for i, o := range all {
		refused := o.Device == first[0].Device
		if (o.Err != nil) != refused || o.Undone == refused {
			t.Errorf("%s: undone %v, error %v", o.Device, o.Undone, o.Err)
		}
		now, err := h.conn.LinkByIndex(links[i].Index)
		h.check(err)
		if diff := cmp.Diff(links[i].XDP, now.XDP); diff != "" {
			t.Errorf("%s: before, after (-, +):\n%s", o.Device, diff)
		}
	}
}

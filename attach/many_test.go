package attach_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestManySomeRefuse: three of a thousand refuse, the others run the program.
func TestManySomeRefuse(t *testing.T) {
	h := newHerd(t, herdSize())
	links, want := h.refusing()
	l, all := h.installOn(links, attach.Plan{}, false)
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

	all, err := h.apply(t.Context(), nil, h.links(), attach.Plan{}, false)
	h.check(err)
	h.refused(all, map[string]error{"f4": os.ErrExist})
	for name, on := range h.state() {
		if len(on) > 0 != (name == "f4") {
			t.Errorf("after the detach %s runs %v", name, on)
		}
	}
}

// TestManyAtomic: three refuse, so every device is as it was before: some ran
// a program, some another, some none.
func TestManyAtomic(t *testing.T) {
	h := newHerd(t, herdSize())
	old := []*prog.Program{h.program("old0"), h.program("old1")}
	links, want := h.refusing()
	for i, l := range links {
		if _, refuses := want[l.Name]; i%3 != 2 && !refuses {
			h.check(h.Conn.SetXDP(l.Index, netlink.XDP{FD: old[i%3].FD()}))
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
			l, all := h.installOn(links, attach.Plan{Replace: true}, true)
			if l != nil {
				t.Error("something stays loaded")
			}
			return all
		}, want},
		{"detach", func() []attach.Outcome {
			all, err := h.apply(t.Context(), nil, links, attach.Plan{}, true)
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

// TestManyInterrupted: wherever it is interrupted, no device is without what it
// had before.
func TestManyInterrupted(t *testing.T) {
	h := newHerd(t, 300)
	old := h.program("old")
	for i, l := range h.links() {
		if i%2 == 0 {
			h.check(h.Conn.SetXDP(l.Index, netlink.XDP{FD: old.FD()}))
		}
	}
	before := h.state()
	p := h.program("new")
	for _, limit := range []int{1, 128, 129, 200, 257, 300} {
		links, hook := h.links(), attach.Plan{Replace: true}
		_, err := h.apply(&stopAfter{Context: t.Context(), limit: limit}, xdpload.Open(p), links, hook, true)
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

// TestManyUndoneByOthers: what others attach before it is undone stays, and is
// that device's error.
func TestManyUndoneByOthers(t *testing.T) {
	h := newHerd(t, 140)
	p, theirs := h.program("new"), h.program("theirs")
	first := h.links()[0]
	// The first 128 have been changed when the 129th is asked about.
	ctx := &stopAfter{Context: t.Context(), limit: 129, then: func() {
		h.check(h.Conn.SetXDP(first.Index, netlink.XDP{FD: theirs.FD()}))
	}}
	_, err := h.apply(ctx, xdpload.Open(p), h.links(), attach.Plan{}, true)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), first.Name+": what was there before could not be put back") {
		t.Errorf("got %v", err)
	}
	for name, on := range h.state() {
		if want := name == first.Name; want != slices.Equal(on, []netlink.XDPProgram{{Mode: netlink.XDPNative, ID: theirs.ID}}) || !want && len(on) > 0 {
			t.Errorf("%s runs %v", name, on)
		}
	}
}

// TestManyOvertaken: a program that others have attached since the devices were
// listed is what is replaced, and reported so.
func TestManyOvertaken(t *testing.T) {
	h := newHerd(t, 6)
	old, theirs, p := h.program("old"), h.program("theirs"), h.program("new")
	f0, f1, f2 := h.device("f0"), h.device("f1"), h.device("f2")
	h.check(h.Conn.SetXDP(f0, netlink.XDP{FD: old.FD()}))
	h.check(h.Conn.SetXDP(f2, netlink.XDP{FD: old.FD()}))
	links := h.links()
	h.check(h.Conn.SetXDP(f0, netlink.XDP{FD: theirs.FD()}))
	h.check(h.Conn.SetXDP(f1, netlink.XDP{FD: theirs.FD()}))
	h.check(h.Conn.SetXDP(f2, netlink.XDP{FD: -1}))
	all, err := h.apply(t.Context(), xdpload.Open(p), links, attach.Plan{Replace: true}, false)
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
	h.check(h.Conn.SetXDP(f0, netlink.XDP{FD: theirs.FD()}))
	all, err = h.apply(t.Context(), nil, links, attach.Plan{}, false)
	h.check(err)
	for _, o := range all {
		if o.Err != nil || o.Gone == nil || o.Gone.ID != map[bool]uint32{true: theirs.ID, false: p.ID}[o.Device == "f0"] {
			t.Errorf("%s: %v, detached %+v", o.Device, o.Err, o.Gone)
		}
	}
}

// TestManyModes: native excludes generic, and the kernel says so with -force too;
// what runs in several modes is not detached by halves.
func TestManyModes(t *testing.T) {
	h := newHerd(t, 4)
	p := h.program("new")
	h.check(h.Conn.SetXDP(h.device("f0"), netlink.XDP{FD: p.FD(), Mode: netlink.XDPGeneric}))
	all, err := h.apply(t.Context(), xdpload.Open(p), h.links(), attach.Plan{Hook: attach.XDP{Mode: netlink.XDPNative}, Replace: true}, false)
	h.check(err)
	h.refused(all, map[string]error{"f0": os.ErrExist})
	for _, o := range all {
		if o.Device == "f0" && !strings.Contains(o.Err.Error(), "Native and generic XDP") {
			t.Errorf("f0: %v", o.Err)
		}
	}
	all, err = h.apply(t.Context(), nil, h.links(), attach.Plan{Hook: attach.XDP{Mode: netlink.XDPNative}}, false)
	h.check(err)
	h.refused(all, nil)
	if on := h.state()["f0"]; len(on) != 1 {
		t.Errorf("xdpdrv off: f0 runs %v", on)
	}
}

// TestManyIdempotent: what runs the like stays, others get the program.
func TestManyIdempotent(t *testing.T) {
	h := newHerd(t, 6)
	first, _ := h.installOn(h.links()[:3], attach.Plan{}, false)
	second, all := h.installOn(h.links(), attach.Plan{Replace: true, Idempotent: true}, false)
	for i, o := range all {
		want := second
		if i < 3 {
			want = first
		}
		if o.Err != nil || o.Attachment.Unchanged != (i < 3) || o.Attachment.Program.ID != want.Program().ID {
			t.Errorf("%s: %+v", o.Device, o.Attachment)
		}
	}
	_, all = h.installOn(h.links(), attach.Plan{Replace: true, Idempotent: true}, false)
	for _, o := range all {
		if o.Err != nil || !o.Attachment.Unchanged {
			t.Errorf("%s: %+v", o.Device, o)
		}
	}
}

// TestManyCommitFails: when a slot of a pinned array refuses last of all, every
// device has back what it had.
func TestManyCommitFails(t *testing.T) {
	h := newHerd(t, 6)
	first := h.Install("live_drop.o", load.Options{}) // pins the array
	old := h.program("old")
	h.check(h.Conn.SetXDP(h.device("f1"), netlink.XDP{FD: old.FD()}))
	before := h.state()
	o := h.Options(load.Options{Loaded: func(*load.Loaded) error { return lab.MapOf(t, first, "jmp").Freeze() }})
	s := &xdpload.Object{Object: lab.Object(t, "live_tx.o"), Options: o}
	_, err := h.apply(t.Context(), s, h.links(), attach.Plan{Replace: true}, false)
	refused, ok := errors.AsType[*load.Error](err)
	if !ok || refused.Map != "jmp" || strings.Contains(err.Error(), "put back") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, h.state()); diff != "" {
		t.Errorf("what the devices run (-before +after):\n%s", diff)
	}
}

// TestManyModeChosen: without a mode each device has the one that the kernel
// chooses, and is said to have it; lo has no native one.
func TestManyModeChosen(t *testing.T) {
	h := newHerd(t, 2)
	lo, err := h.Conn.Link("lo")
	h.check(err)
	links := append(h.links(), lo)
	want := map[string]netlink.XDPMode{"f0": netlink.XDPNative, "f1": netlink.XDPNative, "lo": netlink.XDPGeneric}
	for _, replace := range []bool{false, true} { // what runs there is in the mode
		_, all := h.installOn(links, attach.Plan{Replace: replace}, replace)
		for _, o := range all {
			h.check(o.Err)
			l, err := h.Conn.Link(o.Device)
			h.check(err)
			if mode := want[o.Device]; o.Attachment.Mode != mode || l.XDP.Mode != mode || l.XDP.Programs[0].ID != o.Attachment.Program.ID {
				t.Errorf("%s: %v of program %d, the kernel says %+v, want %v", o.Device, o.Attachment.Mode, o.Attachment.Program.ID, l.XDP, mode)
			}
		}
		for _, l := range links {
			seen, err := h.Conn.LinkByIndex(l.Index)
			h.check(err)
			*l = *seen
		}
	}
}

// TestManyModeUndone: what was tried in another mode is taken back too.
func TestManyModeUndone(t *testing.T) {
	h := newHerd(t, 2)
	lo, err := h.Conn.Link("lo")
	h.check(err)
	_, first := h.installOn(h.links()[1:], attach.Plan{Hook: attach.XDP{Mode: netlink.XDPGeneric}}, false)
	h.check(first[0].Err)
	links := append(h.links(), lo)
	_, all := h.installOn(links, attach.Plan{}, true)
	for i, o := range all {
		refused := o.Device == first[0].Device
		if (o.Err != nil) != refused || o.Undone == refused {
			t.Errorf("%s: undone %v, error %v", o.Device, o.Undone, o.Err)
		}
		now, err := h.Conn.LinkByIndex(links[i].Index)
		h.check(err)
		if diff := cmp.Diff(links[i].XDP, now.XDP); diff != "" {
			t.Errorf("%s: before, after (-, +):\n%s", o.Device, diff)
		}
	}
}

// TestInOrder: plans behind one that is refused are not carried out, and have what
// they had, even those whose requests were on their way together with its.
func TestInOrder(t *testing.T) {
	h := newHerd(t, 4)
	ours, theirs := h.program("ours"), h.program("theirs")
	on := func(name string) attach.XDP { return attach.XDP{Ifindex: h.device(name)} }
	for _, name := range []string{"f1", "f3"} {
		if _, err := lab.Attach(t, h.Conn, theirs, attach.Plan{Hook: on(name)}); err != nil {
			t.Fatal(err)
		}
	}
	source := xdpload.Open(ours)
	all, err := xdpload.Apply(t.Context(), h.Conn, []xdpload.Plan{
		{Source: source, Hook: on("f0")},
		{Source: source, Hook: on("f1")}, // refused: it is taken
		{Source: source, Hook: on("f2")},
		{Source: source, Hook: on("f3"), Replace: true},
		{Source: xdpload.Open(theirs), Hook: on("f2")}, // of another source
	}, xdpload.Options{InOrder: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, os.ErrExist, attach.ErrNotTried, attach.ErrNotTried, attach.ErrNotTried} {
		if o := all[i]; !errors.Is(o.Err, want) || o.Undone || (want == nil) != (o.Attachment != nil) {
			t.Errorf("plan %d: %+v, want %v", i, o, want)
		}
	}
	for name, want := range map[string]uint32{"f0": ours.ID, "f1": theirs.ID, "f2": 0, "f3": theirs.ID} {
		if got := h.Attached(on(name)); got != want {
			t.Errorf("%s runs %d, want %d", name, got, want)
		}
	}
}

package attach_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestManyFilterUndone: filters that were replaced have their options back,
// those that were added are gone, and the qdiscs with them.
func TestManyFilterUndone(t *testing.T) {
	h := newHerd(t, 8)
	classifier := func(section string) *load.Loaded {
		l, err := load.Load(t.Context(), lab.Object(t, "tc.o"), load.Options{
			Select: elf.Selector{Section: section, Type: attach.Clsact{}.ProgramType()},
		})
		h.check(err)
		return l
	}
	l := classifier("tc")
	attach := func(ctx context.Context, p *prog.Program, links []*netlink.Link, f netlink.Filter) error {
		all, err := h.classify(ctx, p, links, f)
		if err == nil {
			h.refused(all, nil)
		}
		return err
	}
	links := h.links()
	old := netlink.Filter{Pref: 5, Handle: 3, BPF: &netlink.BPFFilter{Name: "mine", ClassID: 0x10002}}
	h.check(attach(t.Context(), l.Program(), links[:4], old))
	h.check(l.Close()) // the filters hold it, and nothing else
	l = classifier("classifier")
	p := l.Program()
	t.Cleanup(func() { l.Close() })
	before := h.filters()
	if len(before) != 4 {
		t.Fatalf("%d devices have a qdisc", len(before))
	}
	renewed := netlink.Filter{Pref: 5, Handle: 3, BPF: &netlink.BPFFilter{Name: "mine", Direct: true}}
	for limit := range len(links) {
		err := attach(&stopAfter{Context: t.Context(), limit: limit + 1}, p, links, renewed)
		if !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
			t.Errorf("interrupted at %d: %v", limit, err)
		}
		if diff := cmp.Diff(before, h.filters()); diff != "" {
			t.Fatalf("interrupted at %d: filters (-before +after):\n%s", limit, diff)
		}
	}
	h.check(attach(t.Context(), p, links, renewed))
	if after := h.filters(); len(after) != len(links) || cmp.Equal(before, after) {
		t.Errorf("after all that filters are on %d devices", len(after))
	}
}

// TestFiltersInFlight adds three filters, one of which is there already.
func TestFiltersInFlight(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	first := direct(v0, netlink.Ingress, "one.o:[classifier]")
	first.Filter.Pref, first.Filter.Handle = 7, 1
	if _, err := lab.Attach(t, c, p, attach.Plan{Hook: first}); err != nil {
		t.Fatal(err)
	}
	source, plans := xdpload.Open(p), make([]attach.Plan, 3)
	for i := range plans {
		h := first
		h.Filter.Pref = uint16(6 + i) // the middle one is there
		plans[i] = attach.Plan{Source: source, Hook: h}
	}
	got, err := attach.Apply(t.Context(), c, plans, attach.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range got {
		a := o.Attachment
		switch {
		case i == 1:
			if a != nil || !errors.Is(o.Err, os.ErrExist) {
				t.Errorf("taken: %+v, %v", a, o.Err)
			}
		case o.Err != nil:
			t.Error(o.Err)
		case a.Program.ID != p.ID, a.Filter.Pref != uint16(6+i), a.Filter.Handle != 1, a.Device != "v0", a.Filter.Qdisc != "clsact":
			t.Errorf("got %+v, %+v", a, a.Filter)
		}
	}
}

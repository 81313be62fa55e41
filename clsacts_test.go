package xdpload_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// filters are those on ingress, by device; nil where there is no qdisc.
func (h *herd) filters() map[string][]*netlink.Filter {
	h.t.Helper()
	all := make(map[string][]*netlink.Filter)
	for _, l := range h.links() {
		for q, err := range h.Conn.Qdiscs(l.Index) {
			h.check(err)
			if q.Kind != "clsact" {
				continue
			}
			all[l.Name] = []*netlink.Filter{}
			for f, err := range h.Conn.Filters(netlink.FilterQuery{Ifindex: l.Index, Parent: netlink.Ingress}) {
				h.check(err)
				if !f.Head {
					all[l.Name] = append(all[l.Name], f)
				}
			}
		}
	}
	return all
}

// classify has the devices run a classifier, all or none.
func (h *herd) classify(ctx context.Context, p *prog.Program, links []*netlink.Link, f netlink.Filter) ([]attach.Outcome, error) {
	source := xdpload.Open(p)
	var plans []attach.Plan
	for _, l := range links {
		f.Ifindex, f.Parent = l.Index, netlink.Ingress
		plans = append(plans, attach.Plan{Source: source, Hook: attach.Clsact{Filter: f, Op: attach.FilterReplace}})
	}
	return attach.Apply(ctx, h.Conn, plans, attach.Options{Atomic: true})
}

// TestEachFilterUndone: filters that were replaced have their options back,
// those that were added are gone, and the qdiscs with them.
func TestEachFilterUndone(t *testing.T) {
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

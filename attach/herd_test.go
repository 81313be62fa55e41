package attach_test

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

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// A herd is many devices of a namespace: f0, f1 and so on, and lo.
type herd struct {
	*lab.Bench
	t *testing.T
}

func newHerd(t *testing.T, size int) *herd {
	h := &herd{Bench: lab.NewBench(t), t: t}
	for i := 0; i < size; i += 2 {
		h.NS.AddVeth(fmt.Sprint("f", i), fmt.Sprint("f", i+1))
	}
	return h
}

func herdSize() int {
	if bpftest.InGuest() {
		return 300 // three chunks
	}
	return 1000
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
	for l, err := range h.Conn.Links() {
		h.check(err)
		if strings.HasPrefix(l.Name, "f") {
			all = append(all, l)
		}
	}
	return all
}

func (h *herd) device(name string) int {
	h.t.Helper()
	l, err := h.Conn.Link(name)
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

func (h *herd) installOn(links []*netlink.Link, plan attach.Plan, atomic bool) (*load.Loaded, []attach.Outcome) {
	h.t.Helper()
	s := &xdpload.Object{Object: lab.Object(h.t, "drop.o"), Options: h.Options(load.Options{})}
	all, err := h.apply(h.t.Context(), s, links, plan, atomic)
	h.check(err)
	h.t.Cleanup(func() { s.Close() })
	return s.Loaded(), all
}

// apply has the devices, as they were listed, run what comes from a source; from nil
// nothing.
func (h *herd) apply(ctx context.Context, s attach.Source, links []*netlink.Link, plan attach.Plan, atomic bool) ([]attach.Outcome, error) {
	known := new(attach.Inventory)
	hook, _ := plan.Hook.(attach.XDP)
	plan.Source = s
	var plans []attach.Plan
	for _, l := range links {
		known.AddLink(l)
		hook.Ifindex = l.Index
		plan.Hook = hook
		plans = append(plans, plan)
	}
	return attach.Apply(ctx, h.Conn, plans, attach.Options{Atomic: atomic, Known: known})
}

func (h *herd) program(name string) *prog.Program {
	h.t.Helper()
	return newProgram(h.t, &ebpf.ProgramSpec{
		Name: name, Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
}

func (h *herd) ebpf(name string) *ebpf.Program {
	h.t.Helper()
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(h.program(name).ID))
	h.check(err)
	h.t.Cleanup(func() { p.Close() })
	return p
}

// refusing has three devices refuse a native program: a bpf_link holds the
// hook, the peer's packets are too large, and it is gone since it was listed.
func (h *herd) refusing() (links []*netlink.Link, want map[string]error) {
	h.t.Helper()
	owner, f4 := h.ebpf("owner"), h.device("f4")
	h.NS.Do(func() error {
		l, err := link.AttachXDP(link.XDPOptions{Program: owner, Interface: f4})
		if err == nil {
			h.t.Cleanup(func() { l.Close() })
		}
		return err
	})
	f9 := h.device("f9")
	h.NS.Do(func() error { return testdev.SetMTU(f9, 9000) }) // f8 is its peer
	links = h.links()
	h.check(h.Conn.DeleteLink(h.device("f20"))) // and f21 with it
	links = slices.DeleteFunc(links, func(l *netlink.Link) bool { return l.Name == "f21" })
	return links, map[string]error{"f4": os.ErrExist, "f8": nil, "f20": os.ErrNotExist}
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

func (h *herd) restore(before map[string][]netlink.XDPProgram, p *prog.Program) {
	h.t.Helper()
	for _, l := range h.links() {
		if len(before[l.Name]) > 0 {
			h.check(h.Conn.SetXDP(l.Index, netlink.XDP{FD: p.FD()}))
		}
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
		plans = append(plans, attach.Plan{Source: source, Hook: attach.Clsact{Filter: f}, Replace: true})
	}
	return attach.Apply(ctx, h.Conn, plans, attach.Options{Atomic: true})
}

package attach_test

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// An applied plan puts something on a hook of a bench's first device, or takes it off.
type applied struct {
	name    string
	need    []bpftest.Feature
	object  string
	plan    func(*lab.Bench) attach.Plan
	is      string // the hook's name
	first   bool   // something is there before
	off     bool
	answers int // at least, of the kernel
}

func appliedPlans() []applied {
	const tx, tc = "live_tx.o", "live_tc.o"
	onXDP := func(b *lab.Bench) attach.Plan { return attach.Plan{Hook: b.Hook, Replace: true} }
	xdpLink := func(b *lab.Bench) attach.Plan {
		return attach.Plan{Hook: attach.XDP{Ifindex: b.Hook.Ifindex}, Link: b.Root + "/link", Replace: true}
	}
	replaced := func(b *lab.Bench) attach.Plan { return attach.Plan{Hook: b.Ingress(), Replace: true} }
	added := func(b *lab.Bench) attach.Plan {
		return attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{
			Ifindex: b.Hook.Ifindex, Parent: netlink.Egress, BPF: &netlink.BPFFilter{Name: "test", Direct: true},
		}}}
	}
	tcx := func(b *lab.Bench) attach.Plan { return attach.Plan{Hook: attach.TCX{Ifindex: b.Hook.Ifindex}} }
	tcxLink := func(b *lab.Bench) attach.Plan {
		return attach.Plan{Hook: attach.TCX{Ifindex: b.Hook.Ifindex}, Link: b.Root + "/link", Replace: true}
	}
	return []applied{
		{"xdp", nil, tx, onXDP, "xdpdrv", false, false, 2},
		{"xdp, replaced", nil, tx, onXDP, "xdpdrv", true, false, 2},
		{"xdp off", nil, tx, onXDP, "xdpdrv", true, true, 2},
		{"xdp link", nil, tx, xdpLink, "xdpdrv", false, false, 2},
		{"xdp link, updated", nil, tx, xdpLink, "xdpdrv", true, false, 2},
		{"filter", nil, tc, replaced, "clsact/ingress", false, false, 3},
		{"filter, replaced", nil, tc, replaced, "filter/ingress", true, false, 2},
		{"filter, added", nil, tc, added, "clsact/egress", false, false, 3},
		{"filter off", nil, tc, replaced, "filter/ingress", true, true, 2},
		{"tcx", []bpftest.Feature{bpftest.TCX}, tc, tcx, "tcx/ingress", false, false, 2},
		{"tcx off", []bpftest.Feature{bpftest.TCX}, tc, tcx, "tcx/ingress", true, true, 1},
		{"tcx link", []bpftest.Feature{bpftest.TCX}, tc, tcxLink, "tcx/ingress", false, false, 2},
		{"tcx link, updated", []bpftest.Feature{bpftest.TCX}, tc, tcxLink, "tcx/ingress", true, false, 2},
	}
}

// TestAnswerLost: whichever answer of the kernel cannot be read, a hook, the
// qdisc, the pins and the tail calls are all as they were, or all as was asked
// for, and the outcome says which.
func TestAnswerLost(t *testing.T) {
	for _, tt := range appliedPlans() {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			lost := 0
			for tt.fail(t, (*bpftest.Namespace).NetlinkLosing, lost+1) {
				lost++
			}
			if lost < tt.answers {
				t.Errorf("%d answers could be lost, want at least %d", lost, tt.answers)
			}
		})
	}
}

// TestCallFails: the same of whichever request cannot be sent, and of whichever call of
// bpf(2) fails that opens a program or changes something.
func TestCallFails(t *testing.T) {
	for _, tt := range appliedPlans() {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			failed := 0
			sweep := func(way failing) {
				for nth := 1; tt.fail(t, way, nth); nth++ {
					failed++
				}
			}
			sweep((*bpftest.Namespace).NetlinkUnsent)
			for _, command := range []uint32{
				unix.BPF_PROG_GET_FD_BY_ID, unix.BPF_MAP_UPDATE_ELEM, unix.BPF_OBJ_PIN,
				unix.BPF_PROG_ATTACH, unix.BPF_PROG_DETACH, unix.BPF_LINK_CREATE, unix.BPF_LINK_UPDATE,
			} {
				sweep(func(ns *bpftest.Namespace, nth int, fn func(*netlink.Conn) error) bool {
					return ns.NetlinkFailing(command, nth, fn)
				})
			}
			if failed < tt.answers {
				t.Errorf("%d calls could fail, want at least %d", failed, tt.answers)
			}
		})
	}
}

// failing runs something that calls the kernel, and has the nth call fail.
type failing func(ns *bpftest.Namespace, nth int, fn func(*netlink.Conn) error) bool

// fail applies the plan while the nth call of some kind fails, and reports whether
// there were so many.
func (tt *applied) fail(t *testing.T, way failing, nth int) bool {
	t.Helper()
	b := lab.NewBench(t)
	plan := tt.plan(b)
	options := b.Options(load.Options{})
	options.Select.Type = plan.Hook.ProgramType()
	if tt.first {
		if _, err := b.TryPlan(tt.object, options, plan); err != nil {
			t.Fatal(err)
		}
	}
	before := census(b)
	source := &xdpload.Object{Object: lab.Object(t, tt.object), Options: options}
	t.Cleanup(func() { source.Close() })
	if !tt.off {
		plan.Source = source
	}
	var all []xdpload.Outcome
	warned := 0
	more := way(b.NS, nth, func(c *netlink.Conn) error {
		all, _ = xdpload.Apply(t.Context(), c, []xdpload.Plan{plan}, xdpload.Options{
			Root: b.Root, Warn: func(error) { warned++ },
		})
		return nil
	})
	o := all[0]
	switch now := census(b); {
	case o.Err != nil:
		source.Close()
		if diff := append(now.Since(before), before.Since(now)...); len(diff) > 0 {
			t.Errorf("call %d: refused (%v), and changed are %q", nth, o.Err, diff)
		}
	case o.Attachment == nil:
		t.Errorf("call %d: nothing is told", nth)
	case o.Attachment.Hook() != tt.is && (o.Attachment.Hook() != "xdp" || warned == 0):
		t.Errorf("call %d: the hook is %s, want %s", nth, o.Attachment.Hook(), tt.is)
	case tt.off:
		if left := runningOn(b, b.Hook.Ifindex); len(left) > 0 {
			t.Errorf("call %d: taken off, and there is %v", nth, left)
		}
	default:
		l := source.Loaded()
		if got := runningOn(b, b.Hook.Ifindex); !slices.Equal(got, []uint32{l.Program().ID}) {
			t.Errorf("call %d: attached %d, and there is %v", nth, l.Program().ID, got)
		}
		jmp := lab.MapOf(t, l, "jmp")
		if got := lab.Slots(t, jmp.Map); jmp.Pin == "" || got[0] != l.Programs[1].ID && got[0] != l.Programs[2].ID {
			t.Errorf("call %d: attached, and the program array at %q has %v", nth, jmp.Pin, got)
		}
	}
	return more
}

// TestAnswersLost: the same of requests that are in flight together.
func TestAnswersLost(t *testing.T) {
	for name, tt := range map[string]struct {
		object string
		plan   func(ifindex int) attach.Plan
	}{
		"xdp": {"live_tx.o", func(i int) attach.Plan { return attach.Plan{Hook: attach.XDP{Ifindex: i, Mode: netlink.XDPGeneric}} }},
		"filters": {"live_tc.o", func(i int) attach.Plan {
			return attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{Ifindex: i, Parent: netlink.Ingress, BPF: &netlink.BPFFilter{Name: "test", Direct: true}}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			lost := 0
			for loseOneOfMany(t, tt.object, tt.plan, lost+1) {
				lost++
			}
			if lost < 3 {
				t.Errorf("%d answers could be lost", lost)
			}
		})
	}
}

func loseOneOfMany(t *testing.T, object string, plan func(ifindex int) attach.Plan, nth int) bool {
	t.Helper()
	b := lab.NewBench(t)
	options := b.Options(load.Options{})
	options.Select.Type = plan(0).Hook.ProgramType()
	source := &xdpload.Object{Object: lab.Object(t, object), Options: options}
	t.Cleanup(func() { source.Close() })
	var plans []xdpload.Plan
	devices := []int{b.Hook.Ifindex, b.Other.Ifindex}
	for _, i := range devices {
		if err := b.Conn.AddQdisc(netlink.Clsact(i)); err != nil {
			t.Fatal(err)
		}
		p := plan(i)
		p.Source = source
		plans = append(plans, p)
	}
	var all []xdpload.Outcome
	lost := b.NS.NetlinkLosing(nth, func(c *netlink.Conn) error {
		all, _ = xdpload.Apply(t.Context(), c, plans, xdpload.Options{Root: b.Root})
		return nil
	})
	for i, o := range all {
		got := runningOn(b, devices[i])
		if want := o.Err == nil; want != (len(got) == 1) {
			t.Errorf("answer %d: device %d: %v, and it runs %v", nth, i, o.Err, got)
		}
	}
	pins := b.Pins()
	if made := all[0].Err == nil || all[1].Err == nil; made != (len(pins) > 0) {
		t.Errorf("answer %d: %v, %v, and pinned is %q", nth, all[0].Err, all[1].Err, pins)
	}
	return lost
}

// runningOn are the ids of the programs that a device runs.
func runningOn(b *lab.Bench, ifindex int) (ids []uint32) {
	b.T.Helper()
	b.NS.Do(func() error {
		for a, err := range attach.Attachments(b.Conn, ifindex) {
			if err != nil {
				return err
			}
			ids = append(ids, a.Program.ID)
		}
		return nil
	})
	return ids
}

// census is of the bench, which is gone with the test.
func census(b *lab.Bench) *bpftest.Census {
	b.T.Helper()
	c, err := bpftest.NewCensus(b.Root)
	if err != nil {
		b.T.Fatal(err)
	}
	return c
}

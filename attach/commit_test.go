package attach_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// TestCommitFails: when the last step fails, the hook has again what it had, and
// no slot and no pin has changed.
func TestCommitFails(t *testing.T) {
	xdp := func(index int, _ string) attach.Plan {
		return attach.Plan{Hook: attach.XDP{Ifindex: index}, Replace: true}
	}
	clsact := func(index int, _ string) attach.Plan {
		return attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{
			Ifindex: index, Parent: netlink.Ingress, BPF: &netlink.BPFFilter{Name: "test", Direct: true},
		}}, Replace: true}
	}
	tcx := func(index int, _ string) attach.Plan { return attach.Plan{Hook: attach.TCX{Ifindex: index}} }
	link := func(index int, root string) string { return fmt.Sprint(root, "/link", index) }
	xdpLink := func(index int, root string) attach.Plan {
		return attach.Plan{Hook: attach.XDP{Ifindex: index}, Link: link(index, root)}
	}
	tcxLink := func(index int, root string) attach.Plan {
		return attach.Plan{Hook: attach.TCX{Ifindex: index}, Link: link(index, root)}
	}
	for _, tt := range []struct {
		name    string
		object  string
		plan    func(ifindex int, root string) attach.Plan
		replace bool // a program of the same object is on the hook before
		need    []bpftest.Feature
	}{
		{"XDP, replacing", "live_tx.o", xdp, true, nil},
		{"XDP, first", "live_tx.o", xdp, false, nil},
		{"clsact, replacing", "live_tc.o", clsact, true, nil},
		{"clsact, first", "live_tc.o", clsact, false, nil},
		{"tcx, first", "live_tc.o", tcx, false, []bpftest.Feature{bpftest.TCX}},
		{"XDP link, first", "live_tx.o", xdpLink, false, nil},
		{"tcx link, first", "live_tc.o", tcxLink, false, []bpftest.Feature{bpftest.TCX}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			ns := bpftest.NewNamespace(t)
			v0, v1 := ns.Veth("v0", "v1")
			c := ns.Conn()
			root := pin.DefaultRoot + "/" + ns.Name
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(root) })
			obj := lab.Object(t, tt.object)
			plan, other := tt.plan(v0, root), tt.plan(v1, root)
			if tt.replace {
				other = plan
			}
			options := load.Options{Select: elf.Selector{Type: plan.Hook.ProgramType()}, Pins: load.PinOptions{Root: root}}
			var first *load.Loaded
			ns.Do(func() (err error) {
				first, _, err = lab.Install(t, c, obj, options, other)
				return err
			})
			defer first.Close()
			before := running(ns, c, v0)

			options.Pins.Program = root + "/prog"
			options.Loaded = func(*load.Loaded) error { return first.Maps[0].Freeze() }
			var failed error
			ns.Do(func() error {
				_, _, failed = lab.Install(t, c, obj, options, plan)
				return nil
			})
			if failed == nil || !strings.HasPrefix(failed.Error(), "map jmp: set element 0: ") || strings.Contains(failed.Error(), "\n") {
				t.Errorf("got %v", failed)
			}
			if _, err := os.Lstat(root + "/prog"); err == nil {
				t.Error("the program is pinned")
			}
			if diff := cmp.Diff(before, running(ns, c, v0)); diff != "" {
				t.Errorf("the device runs other programs:\n%s", diff)
			}
		})
	}
}

// TestCommitFailsFilter: when the last step fails, a filter that was replaced has
// its own name, class and flags again, in its place, and a qdisc that was made for
// a new one is gone.
func TestCommitFailsFilter(t *testing.T) {
	for _, tt := range []struct {
		name string
		old  *netlink.BPFFilter // nil for none
		need []bpftest.Feature
	}{
		{"none", nil, nil},
		{"named", &netlink.BPFFilter{Name: "old", ClassID: netlink.MakeHandle(1, 7)}, nil},
		{"with flags", &netlink.BPFFilter{Name: "old", Direct: true, SkipHW: true}, nil},
		{
			"with an action",
			&netlink.BPFFilter{Name: "old", Actions: []*netlink.Action{{Kind: "gact", Verdict: netlink.VerdictDrop}}},
			[]bpftest.Feature{bpftest.ActGact},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			b := lab.NewBench(t)
			plan := func(ifindex int, o *netlink.BPFFilter) attach.Plan {
				return attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{
					Ifindex: ifindex, Parent: netlink.Ingress, Pref: 7, Handle: 5, BPF: o,
				}}, Replace: true}
			}
			var options load.Options
			options.Select.Type = attach.Clsact{}.ProgramType()
			first, err := b.TryPlan("live_tc.o", options, plan(b.Other.Ifindex, &netlink.BPFFilter{Name: "array"}))
			if err != nil {
				t.Fatal(err)
			}
			if tt.old != nil {
				if _, err := lab.Attach(t, b.Conn, first.Program(), plan(b.Hook.Ifindex, tt.old)); err != nil {
					t.Fatal(err)
				}
			}
			before := tcOf(t, b.Conn, b.Hook.Ifindex)
			options.Loaded = func(*load.Loaded) error { return first.Maps[0].Freeze() }
			renewed := &netlink.BPFFilter{Name: "new", ClassID: netlink.MakeHandle(2, 9), Direct: true}
			if tt.old != nil { // the one option that the kernel does not change
				renewed.SkipHW = tt.old.SkipHW
			}
			if _, err := b.TryPlan("live_tc.o", options, plan(b.Hook.Ifindex, renewed)); err == nil || !strings.HasPrefix(err.Error(), "map jmp: set element 0: ") {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, tcOf(t, b.Conn, b.Hook.Ifindex)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}

// tcOf are the qdiscs of a device, and the filters on its ingress.
func tcOf(t *testing.T, c *netlink.Conn, ifindex int) (all []any) {
	t.Helper()
	for q, err := range c.Qdiscs(ifindex) {
		if err != nil {
			t.Fatal(err)
		}
		q.Stats, q.Refs = nil, 0
		all = append(all, q)
	}
	for f, err := range c.Filters(netlink.FilterQuery{Ifindex: ifindex, Parent: netlink.Ingress}) {
		if err != nil {
			t.Fatal(err)
		}
		if f.BPF != nil {
			for _, a := range f.BPF.Actions {
				// The kernel lets go of a replaced filter's actions after it has
				// answered (tcf_queue_work): until then both filters hold them.
				a.Index, a.Refs, a.Binds, a.Stats, a.Times = 0, 0, 0, nil, nil
			}
		}
		all = append(all, f)
	}
	return all
}

// running are the ids of the programs that a device runs.
func running(ns *bpftest.Namespace, c *netlink.Conn, ifindex int) (ids []uint32) {
	ns.Do(func() error {
		for a, err := range attach.Attachments(c, ifindex) {
			if err != nil {
				return err
			}
			ids = append(ids, a.Program.ID)
		}
		return nil
	})
	return ids
}

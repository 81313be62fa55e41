package attach_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// returning is a program that lets every packet pass.
func returning(t *testing.T, typ ebpf.ProgramType, name string) *prog.Program {
	t.Helper()
	pass := int32(2) // XDP_PASS
	if typ == ebpf.SchedCLS {
		pass = 0 // TC_ACT_OK
	}
	return newProgram(t, &ebpf.ProgramSpec{
		Name: name, Type: typ, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, pass), asm.Return()},
	})
}

// namedHooks are hooks of every kind, of a device that goes by its name.
func namedHooks(device string) map[string]attach.Hook {
	return map[string]attach.Hook{
		"xdp":    attach.XDP{Device: device},
		"clsact": attach.Clsact{Device: device, Filter: netlink.Filter{Parent: netlink.Ingress, BPF: &netlink.BPFFilter{Name: "a", Direct: true}}},
		"tcx":    attach.TCX{Device: device},
	}
}

func TestDeviceByName(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for name := range namedHooks("") {
		t.Run(name, func(t *testing.T) {
			b := lab.NewBench(t)
			hook := namedHooks("v0")[name]
			p := returning(t, hook.ProgramType(), "pass")
			a, err := lab.Attach(t, b.Conn, p, attach.Plan{Hook: hook})
			if err != nil || a.Device != "v0" || a.Ifindex != b.Hook.Ifindex {
				t.Errorf("attached %+v, %v", a, err)
			}
			if off, err := xdpload.Detach(t.Context(), b.Conn, hook); err != nil || off.Program.ID != p.ID {
				t.Errorf("detached %+v, %v", off, err)
			}
			all, err := xdpload.Apply(t.Context(), b.Conn, []xdpload.Plan{
				{Source: xdpload.Open(p), Hook: namedHooks("nonesuch")[name]},
				{Source: xdpload.Open(p), Hook: hook},
			}, xdpload.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if o := all[0]; o.Device != "nonesuch" || !errors.Is(o.Err, fs.ErrNotExist) || !strings.Contains(o.Err.Error(), "nonesuch") {
				t.Errorf("no such device: %+v", o)
			}
			if o := all[1]; o.Err != nil {
				t.Errorf("behind it: %+v", o)
			}
		})
	}
}

// TestDetachNothing: whatever a hook lacks, there is nothing that could be taken off.
func TestDetachNothing(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	b := lab.NewBench(t)
	v0, v1 := b.Hook.Ifindex, b.Other.Ifindex
	for _, q := range []*netlink.Qdisc{netlink.Clsact(v0), netlink.IngressQdisc(v1)} {
		if err := b.Conn.AddQdisc(q); err != nil {
			t.Fatal(err)
		}
	}
	filter := func(ifindex int, parent netlink.Parent, pref uint16, handle uint32) attach.Hook {
		h := direct(ifindex, parent, "a")
		h.Filter.Pref, h.Filter.Handle = pref, handle
		return h
	}
	const lo = 1
	for name, hook := range map[string]attach.Hook{
		"no device":              attach.XDP{Device: "nonesuch"},
		"no device with index":   attach.XDP{Ifindex: 1 << 20},
		"xdp":                    attach.XDP{Ifindex: v0},
		"xdp mode":               attach.XDP{Ifindex: v0, Mode: netlink.XDPGeneric},
		"xdp link":               attach.XDP{Ifindex: v0, LinkID: 1 << 30},
		"filter by name":         filter(v0, netlink.Ingress, 0, 0),
		"filter by handle":       filter(v0, netlink.Ingress, 1, 1),
		"no qdisc, by name":      filter(lo, netlink.Ingress, 0, 0),
		"no qdisc, by handle":    filter(lo, netlink.Ingress, 1, 1),
		"no qdisc, egress":       filter(lo, netlink.Egress, 0, 0),
		"ingress qdisc's egress": filter(v1, netlink.Egress, 0, 0),
		"no class":               filter(v0, netlink.Parent(netlink.MakeHandle(1, 1)), 1, 1),
		"no block":               attach.Clsact{Filter: netlink.Filter{Block: 9, Pref: 1, Handle: 1}},
		"no index":               filter(1<<20, netlink.Ingress, 1, 1),
		"tcx":                    attach.TCX{Ifindex: v0},
		"tcx program":            attach.TCX{Ifindex: v0, Order: attach.Order{Which: attach.ProgramID(1 << 30)}},
		"tcx link":               attach.TCX{Ifindex: v0, Order: attach.Order{Which: attach.LinkID(1 << 30)}},
		"tcx pin":                attach.TCX{Ifindex: v0, Order: attach.Order{Which: attach.PinnedAt(b.Root + "/none")}},
		"tcx, no index":          attach.TCX{Ifindex: 1 << 20},
	} {
		if a, err := xdpload.Detach(t.Context(), b.Conn, hook); a != nil || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

// TestAcrossNamespaces: what is done through a Conn is done to the devices of its
// namespace, on whatever thread, and nothing to those of the thread's, though they
// have the same indexes.
func TestAcrossNamespaces(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for name, plan := range map[string]attach.Plan{
		"xdp":      {Hook: attach.XDP{Device: "v0"}},
		"xdp link": {Hook: attach.XDP{Device: "v0"}, Link: "link"},
		"tcx":      {Hook: attach.TCX{Device: "v0"}},
		"tcx link": {Hook: attach.TCX{Device: "v0"}, Link: "link"},
	} {
		t.Run(name, func(t *testing.T) {
			near, b := bpftest.NewNamespace(t), lab.NewBench(t)
			if v0, _ := near.Veth("v0", "v1"); v0 != b.Hook.Ifindex {
				t.Fatalf("the devices have the indexes %d and %d", v0, b.Hook.Ifindex)
			}
			one, two := returning(t, plan.Hook.ProgramType(), "one"), returning(t, plan.Hook.ProgramType(), "two")
			if plan.Link != "" {
				plan.Link = b.Root + "/link"
			}
			replaced := plan
			replaced.Replace = true
			if h, ok := plan.Hook.(attach.TCX); ok && plan.Link == "" {
				h.Anchor = attach.Replace(attach.Ref{})
				replaced.Hook = h
			}
			there := func() (all []string) {
				for a, err := range xdpload.List(b.Conn, 0) {
					if err != nil {
						t.Error(err)
						return nil
					}
					all = append(all, a.Device+" "+a.Program.Name)
				}
				return all
			}
			near.Do(func() error {
				if _, err := lab.Attach(t, b.Conn, one, plan); err != nil {
					return err
				}
				a, err := lab.Attach(t, b.Conn, two, replaced)
				if err != nil || a.Replaced == nil || a.Replaced.ID != one.ID {
					t.Errorf("replaced %+v, %v", a, err)
				}
				if got := there(); !slices.Equal(got, []string{"v0 two"}) {
					t.Errorf("from the other namespace: %q", got)
				}
				return nil
			})
			if got := there(); !slices.Equal(got, []string{"v0 two"}) {
				t.Errorf("from the test's namespace: %q", got)
			}
			if got := on(t, near, 0); got != nil {
				t.Errorf("in the thread's namespace: %q", got)
			}
			hook := plan.Hook
			if plan.Link != "" {
				l, err := attach.OpenLink(attach.PinnedAt(plan.Link))
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				switch h := hook.(type) {
				case attach.XDP:
					h.LinkID = l.ID
					hook = h
				case attach.TCX:
					h.Which = attach.LinkID(l.ID)
					hook = h
				}
			}
			near.Do(func() error {
				if a, err := xdpload.Detach(t.Context(), b.Conn, hook); err != nil || a.Program.ID != two.ID {
					t.Errorf("detached %+v, %v", a, err)
				}
				return nil
			})
			if got := there(); got != nil {
				t.Errorf("left: %q", got)
			}
		})
	}
}

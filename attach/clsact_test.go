package attach_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// direct is a hook for a direct-action filter called name.
func direct(ifindex int, parent netlink.Parent, name string) attach.Clsact {
	return attach.Clsact{Filter: netlink.Filter{
		Ifindex: ifindex, Parent: parent, BPF: &netlink.BPFFilter{Direct: true, Name: name},
	}}
}

func TestClsactCreatesQdisc(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	hook := direct(v0, netlink.Egress, "tc.o:[classifier]")
	for i, created := range []bool{true, false} {
		a, err := lab.Attach(t, c, p, attach.Plan{Hook: hook})
		if err != nil {
			t.Fatal(err)
		}
		f := a.Filter
		if f.QdiscCreated != created || f.Qdisc != "clsact" || f.Pref != uint16(49152-i) || f.Handle != 1 || f.Protocol != netlink.ProtocolAll {
			t.Errorf("attached %+v", f)
		}
		if a.Device != "v0" || a.Program.ID != p.ID || a.Replaced != nil {
			t.Errorf("attached %+v", a)
		}
	}
	got := filters(t, ns, netlink.Egress)
	if len(got) != 2 || got[0].Pref != 49151 || got[1].Options.Prog.ID != p.ID || !got[0].Options.Direct || got[0].Options.Name != "tc.o:[classifier]" {
		t.Errorf("tc shows %+v", got)
	}
	if got := filters(t, ns, netlink.Ingress); len(got) != 0 {
		t.Errorf("on ingress tc shows %+v", got)
	}
}

// TestClsactUndo: what a failed attach created is gone again, and what others
// have is not.
func TestClsactUndo(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	tc(t, ns, "qdisc add dev v1 clsact")
	for _, ifindex := range []int{v0, v1} {
		hook := direct(ifindex, netlink.Ingress, "x")
		hook.Filter.BPF.SkipSW = true // which no veth can do
		a, err := lab.Attach(t, c, p, attach.Plan{Hook: hook})
		if _, refused := errors.AsType[*netlink.Error](err); !refused {
			t.Fatalf("attached %+v, %v", a, err)
		}
	}
	if out := tc(t, ns, "qdisc show dev v0 clsact"); len(out) != 0 {
		t.Errorf("left behind: %s", out)
	}
	if out := tc(t, ns, "qdisc show dev v1 clsact"); len(out) == 0 {
		t.Error("another's clsact is gone")
	}
}

func TestClsactNoSuchHook(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	tc(t, ns, "qdisc add dev v1 ingress")
	tc(t, ns, "qdisc add dev lo ingress_block 7 clsact")
	ffff := netlink.Parent(netlink.MakeHandle(0xffff, 0))
	for _, tt := range []struct {
		name    string
		filter  netlink.Filter
		change  bool
		checked bool // before a program is loaded
		want    string
	}{
		{"no qdisc to change", netlink.Filter{Ifindex: v0, Parent: netlink.Ingress, Pref: 1, Handle: 1}, true, true, "Parent Qdisc doesn't exists (invalid argument)"},
		{"class of no qdisc", netlink.Filter{Ifindex: v0, Parent: 0x10001}, false, true, "Parent Qdisc doesn't exists (invalid argument)"},
		{"egress of an ingress qdisc", netlink.Filter{Ifindex: v1, Parent: netlink.Egress}, false, true, "the ingress qdisc of the device has no egress hook, only a clsact qdisc has"},
		{"unknown block", netlink.Filter{Block: 9}, false, true, "add filter: Block of given index was not found (invalid argument)"},
		{"shared block", netlink.Filter{Ifindex: 1, Parent: netlink.Ingress}, false, true, "This filter block is shared"},
		{"ffff: of clsact", netlink.Filter{Ifindex: 1, Parent: ffff}, false, false, "a clsact qdisc has the hooks ingress and egress, not ffff:"},
		{"root", netlink.Filter{Ifindex: v0}, false, false, "Qdisc not classful"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hook := attach.Clsact{Filter: tt.filter, Change: tt.change}
			loaded := false
			o := load.Options{Select: elf.Selector{Section: "classifier", Type: ebpf.SchedCLS}}
			o.Loaded = func(*load.Loaded) error { loaded = true; return nil }
			if _, _, err := lab.Install(t, c, lab.Object(t, "tc.o"), o, attach.Plan{Hook: hook}); err == nil || loaded == tt.checked {
				t.Errorf("loaded before that was known: %v", loaded)
			}
			if a, err := lab.Attach(t, c, p, attach.Plan{Hook: hook}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Attach: %+v, %v, want %q", a, err, tt.want)
			}
		})
	}
	if out := tc(t, ns, "qdisc show dev v0 clsact"); len(out) != 0 {
		t.Errorf("left behind: %s", out)
	}
}

func TestClsactReplaceByName(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	programs := []*prog.Program{classifier(t, "classifier"), classifier(t, "tc")}
	hook := direct(v0, netlink.Ingress, "tc.o:[classifier]")
	var last uint32
	for i := range 3 {
		p := programs[i%2]
		a, err := lab.Attach(t, c, p, attach.Plan{Hook: hook, Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		if (a.Replaced == nil) != (i == 0) || a.Replaced != nil && a.Replaced.ID != last || a.Filter.Pref != 49152 {
			t.Errorf("replace %d: %+v, replaced %+v", i, a.Filter, a.Replaced)
		}
		last = p.ID
	}
	if got := filters(t, ns, netlink.Ingress); len(got) != 1 || got[0].Options.Prog.ID != last {
		t.Fatalf("tc shows %+v", got)
	}

	t.Run("another name", func(t *testing.T) {
		other := hook
		other.Filter.BPF = &netlink.BPFFilter{Name: "other.o:[tc]", Direct: true}
		if a, err := lab.Attach(t, c, programs[0], attach.Plan{Hook: other, Replace: true}); err != nil || a.Replaced != nil || a.Filter.Pref != 49151 {
			t.Errorf("attached %+v, %v", a, err)
		}
	})
	t.Run("several", func(t *testing.T) {
		if _, err := lab.Attach(t, c, programs[0], attach.Plan{Hook: hook}); err != nil {
			t.Fatal(err)
		}
		_, err := lab.Attach(t, c, programs[0], attach.Plan{Hook: hook, Replace: true})
		several, ok := errors.AsType[*attach.AmbiguousError](err)
		if !ok || len(several.Attachments) != 2 || !strings.Contains(err.Error(), "pref 49152 handle 0x1 chain 0 (program id") {
			t.Fatalf("attach: %v", err)
		}
		if _, err := xdpload.Detach(t.Context(), c, hook); !errors.As(err, &several) || len(several.Attachments) != 2 {
			t.Errorf("detach: %v", err)
		}
		if got := filters(t, ns, netlink.Ingress); len(got) != 3 {
			t.Errorf("tc shows %+v", got)
		}
		one := hook
		one.Filter.Pref = 49152
		if a, err := lab.Attach(t, c, programs[0], attach.Plan{Hook: one, Replace: true}); err != nil || a.Replaced == nil {
			t.Errorf("with its pref: %+v, %v", a, err)
		}
	})
}

// TestFilterName: a filter that has no name from its hook has one from its source, so
// that the same plan again does not add another.
func TestFilterName(t *testing.T) {
	b := lab.NewBench(t)
	hook := attach.Clsact{Device: "v0", Filter: netlink.Filter{Parent: netlink.Ingress}}
	plan := attach.Plan{Hook: hook, Replace: true}
	for i := range 2 {
		for section, name := range map[string]string{"classifier": "tc.o:[classifier]", "tc": "tc.o:[tc]"} {
			l, a, err := lab.Install(t, b.Conn, lab.Object(t, "tc.o"), load.Options{Select: elf.Selector{Section: section}}, plan)
			if err != nil {
				t.Fatal(err)
			}
			b.Exit(l)
			if a.Filter.BPF.Name != name || (a.Replaced != nil) != (i > 0) {
				t.Errorf("replace %d: %+v", i, a.Filter.BPF)
			}
		}
		a, err := lab.Attach(t, b.Conn, returning(t, ebpf.SchedCLS, "open"), plan)
		if err != nil || a.Filter.BPF.Name != "open:[*fsobj]" || (a.Replaced != nil) != (i > 0) {
			t.Errorf("replace %d: %+v, %v", i, a, err)
		}
	}
	if got := filters(t, b.NS, netlink.Ingress); len(got) != 3 {
		t.Errorf("tc shows %+v", got)
	}
	if name := attach.FilterName("/a/"+strings.Repeat("b", 300), "c"); name != strings.Repeat("b", 255) {
		t.Errorf("a long name is %q", name)
	}
}

func TestClsactChange(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	hook := direct(v0, netlink.Ingress, "a")
	hook.Filter.Pref, hook.Filter.Handle = 5, 0x10
	first, err := lab.Attach(t, c, classifier(t, "classifier"), attach.Plan{Hook: hook})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Attach(t, c, classifier(t, "classifier"), attach.Plan{Hook: hook}); !errors.Is(err, os.ErrExist) {
		t.Errorf("added twice: %v", err)
	}
	hook.Change = true
	p := classifier(t, "tc")
	a, err := lab.Attach(t, c, p, attach.Plan{Hook: hook})
	if err != nil || a.Replaced == nil || a.Replaced.ID != first.Program.ID || a.Program.ID != p.ID {
		t.Errorf("changed %+v, %v", a, err)
	}
	hook.Filter.Handle = 0x11
	if _, err := lab.Attach(t, c, p, attach.Plan{Hook: hook}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("changed what is not there: %v", err)
	}
}

func TestClsactDetach(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	mine, theirs := direct(v0, netlink.Ingress, "mine"), direct(v0, netlink.Ingress, "theirs")
	for _, hook := range []attach.Clsact{mine, theirs} {
		if _, err := lab.Attach(t, c, p, attach.Plan{Hook: hook}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := xdpload.Detach(t.Context(), c, mine)
	if err != nil || a == nil || a.Filter.Pref != 49152 || a.Program.ID != p.ID {
		t.Errorf("detached %+v, %v", a, err)
	}
	if a, err := xdpload.Detach(t.Context(), c, mine); a != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("detached twice: %+v, %v", a, err)
	}
	if got := filters(t, ns, netlink.Ingress); len(got) != 1 || got[0].Options.Name != "theirs" {
		t.Errorf("left is %+v", got)
	}
}

// TestDetachNoEgress: what is on ingress is not on the egress of an ingress qdisc.
func TestDetachNoEgress(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	if err := c.AddQdisc(netlink.IngressQdisc(v0)); err != nil {
		t.Fatal(err)
	}
	h := direct(v0, netlink.Ingress, "one.o:[classifier]")
	h.Filter.Pref, h.Filter.Handle = 7, 1
	if _, err := lab.Attach(t, c, classifier(t, "classifier"), attach.Plan{Hook: h}); err != nil {
		t.Fatal(err)
	}
	h.Filter.Parent = netlink.Egress
	if a, err := xdpload.Detach(t.Context(), c, h); a != nil || !isNoEgress(err) {
		t.Errorf("by handle: %+v, %v", a, err)
	}
	h.Filter.Handle = 0
	if a, err := xdpload.Detach(t.Context(), c, h); a != nil || !isNoEgress(err) {
		t.Errorf("by name: %+v, %v", a, err)
	}
	h.Filter.Parent = netlink.Ingress
	if a, err := xdpload.Detach(t.Context(), c, h); a == nil || err != nil {
		t.Errorf("on ingress: %+v, %v", a, err)
	}
}

func isNoEgress(err error) bool {
	_, ok := errors.AsType[*attach.NoEgressError](err)
	return ok
}

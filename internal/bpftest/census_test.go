package bpftest_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

const bpffs = "/sys/fs/bpf"

func census(t *testing.T) *bpftest.Census {
	t.Helper()
	c, err := bpftest.NewCensus(bpffs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newProgram returns a program and what the census calls it.
func newProgram(t *testing.T, kind ebpf.ProgramType, before ...asm.Instruction) (*ebpf.Program, string) {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "left", Type: kind, License: "MIT", Instructions: append(before, asm.Mov.Imm(asm.R0, 2), asm.Return()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return p, fmt.Sprintf("program %d left", id)
}

// newTable returns a program array that holds a program, and what the census
// calls both.
func newTable(t *testing.T) (*ebpf.Map, []string) {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "table", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	p, name := newProgram(t, ebpf.SchedCLS)
	if err := m.Put(uint32(0), p); err != nil {
		t.Fatal(err)
	}
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return m, []string{name, fmt.Sprintf("map %d table", id)}
}

// TestCensus leaves something in each place; what only a descriptor holds is not
// of interest.
func TestCensus(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	before := census(t)
	newProgram(t, ebpf.XDP)
	if fresh := census(t).Since(before); fresh != nil {
		t.Errorf("a descriptor counts as %q", fresh)
	}

	xdp, onXDP := newProgram(t, ebpf.XDP)
	pinned, pinnedName := newProgram(t, ebpf.XDP)
	table, behind := newTable(t)
	filter, onFilter := newProgram(t, ebpf.SchedCLS, asm.LoadMapPtr(asm.R1, table.FD()))
	path := bpffs + "/" + ns.Name
	t.Cleanup(func() { os.Remove(path) })
	if err := pinned.Pin(path); err != nil {
		t.Fatal(err)
	}
	ns.Netlink(func(c *netlink.Conn) error {
		if err := c.SetXDP(v0, netlink.XDP{FD: xdp.FD()}); err != nil {
			return err
		}
		if err := c.AddQdisc(netlink.Clsact(v0)); err != nil {
			return err
		}
		_, err := c.AddFilter(&netlink.Filter{
			Ifindex: v0, Parent: netlink.Ingress, Protocol: netlink.ProtocolAll, Pref: 1, Kind: "bpf",
			BPF: &netlink.BPFFilter{FD: filter.FD(), Name: "left", Direct: true},
		})
		return err
	})
	at := ns.Name + " v0 "
	want := append(behind, onXDP, pinnedName, onFilter, "file "+path,
		at+"native: "+onXDP[:len(onXDP)-len(" left")], at+"qdisc clsact ffff:",
		at+"filter of ingress block 0 chain 0 pref 1 bpf 0x0", at+"filter of ingress block 0 chain 0 pref 1 bpf 0x1")
	slices.Sort(want)
	if diff := cmp.Diff(want, census(t).Since(before)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	ns.Netlink(func(c *netlink.Conn) error { return c.DeleteLink(v0) })
	if left, err := before.Grown(); left != nil || err != nil {
		t.Errorf("left %q, %v", left, err)
	}
}

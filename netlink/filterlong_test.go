package netlink

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestLongFilters lists filters among which are some that no message of the
// kernel's list holds.
func TestLongFilters(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	fd, _ := program(t, ebpf.SchedCLS, 0)
	long := slices.Repeat([]Instruction{{Code: 6, K: 1}}, MaxInstructions)
	add := func(chain uint32, pref uint16, handle uint32, program []Instruction) {
		t.Helper()
		f := &Filter{
			Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Chain: chain, Pref: pref, Handle: handle,
			Kind: "bpf", BPF: &BPFFilter{FD: fd, Name: "short", Bytecode: program},
		}
		if _, err := c.AddFilter(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []struct {
		chain   uint32
		pref    uint16
		handle  uint32
		program []Instruction
	}{
		{0, 65003, 1, nil},
		{0, 65005, 1, nil},
		{0, 65005, 2, long},
		{0, 65005, 3, nil},
		{0, 65007, 9, long},
		{0, 65535, 1 << 20, nil},
		{4, 65001, 1, long},
		{4, 65002, 1, nil},
	} {
		add(f.chain, f.pref, f.handle, f.program)
	}
	list := func(q FilterQuery) (all []string, err error) {
		q.Ifindex, q.Parent = va.Index, Ingress
		for f, err := range c.Filters(q) {
			if err != nil {
				return all, err
			}
			what := "short"
			switch {
			case f.Head:
				what = "head"
			case f.Unlisted, len(f.BPF.Bytecode) == len(long):
				what = "long"
				t.Logf("pref %d: unlisted %v", f.Pref, f.Unlisted)
			}
			all = append(all, fmt.Sprintf("%d %d %d %s", f.Chain, f.Pref, f.Handle, what))
		}
		return all, nil
	}
	chain := []string{
		"0 65003 0 head", "0 65003 1 short", "0 65005 0 head", "0 65005 3 short", "0 65005 2 long", "0 65005 1 short",
		"0 65007 0 head", "0 65007 9 long", "0 65535 0 head", "0 65535 1048576 short",
	}
	for _, tt := range []struct {
		name string
		q    FilterQuery
		want []string
	}{
		{"all", FilterQuery{}, append(slices.Clone(chain), "4 65001 0 head", "4 65001 1 long", "4 65002 0 head", "4 65002 1 short")},
		{"chain", FilterQuery{Chain: new(uint32)}, chain},
		{"pref", FilterQuery{Chain: new(uint32), Pref: 65005}, chain[2:6]},
		{"pref without", FilterQuery{Chain: new(uint32), Pref: 65003}, chain[:2]},
	} {
		got, err := list(tt.q)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v: -want +got:\n%s", tt.name, err, diff)
		}
	}

	add(0, 9, handlesAsked+1, long)
	got, err := list(FilterQuery{Chain: new(uint32), Pref: 9})
	if diff := cmp.Diff([]string{"0 9 0 head"}, got); diff != "" || !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("a handle that is not asked for: %v: -want +got:\n%s", err, diff)
	}
}

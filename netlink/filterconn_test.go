package netlink

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
)

// TestAddFilters adds more filters than one datagram asks for, some of which are
// long, and some of which cannot be.
func TestAddFilters(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	fd, id := program(t, ebpf.SchedCLS, 0)
	long := slices.Repeat([]Instruction{{Code: 6, K: 1}}, 3000)
	const n = 2*echoBatchSize + 3
	filters := make([]*Filter, n)
	for i := range filters {
		filters[i] = &Filter{
			Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Pref: uint16(i + 1), Kind: "bpf",
			BPF: &BPFFilter{FD: fd, Name: "one.o:[classifier]", Direct: true},
		}
	}
	const taken, unknown, tooLong, bad = 70, 71, 72, 73
	filters[taken].Pref, filters[taken].Handle = 5, 1
	filters[unknown].Ifindex = 4711
	filters[tooLong].BPF = &BPFFilter{Bytecode: make([]Instruction, MaxInstructions+1)}
	filters[bad].BPF = &BPFFilter{Bytecode: []Instruction{{Code: 255}}}
	for i := 100; i < 108; i++ {
		filters[i].BPF = &BPFFilter{Bytecode: long}
	}
	got, errs := c.AddFilters(filters)
	for i, f := range got {
		switch {
		case i >= taken && i <= bad:
			if f != nil || errs[i] == nil {
				t.Errorf("filter %d: %+v, %v", i, f, errs[i])
			}
		case errs[i] != nil:
			t.Errorf("filter %d: %v", i, errs[i])
		case f.Pref != uint16(i+1), len(filters[i].BPF.Bytecode) == 0 && (f.Handle != 1 || f.BPF.ProgramID != id):
			t.Errorf("filter %d: got %+v", i, f)
		}
	}
	if !errors.Is(errs[taken], os.ErrExist) || !errors.Is(errs[unknown], os.ErrNotExist) {
		t.Errorf("taken: %v; unknown device: %v", errs[taken], errs[unknown])
	}
	listed := 0
	for f, err := range c.Filters(FilterQuery{Ifindex: va.Index, Parent: Ingress}) {
		if err != nil {
			t.Fatal(err)
		}
		if !f.Head {
			listed++
		}
	}
	if want := n - 4; listed != want {
		t.Errorf("%d filters, want %d", listed, want)
	}
	if got, errs := c.AddFilters(nil); len(got)+len(errs) != 0 {
		t.Errorf("none: %v, %v", got, errs)
	}
}

package prog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// TestProgramArray: a tail program takes another's place, and what does not fit
// changes nothing.
func TestProgramArray(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Frags)
	b := lab.NewBench(t)
	pins := load.Options{Pins: load.PinOptions{Program: b.Root + "/prog"}}
	first := b.Install("live_drop.o", pins)
	path := b.Root + "/tc/globals/jmp"
	a, err := prog.OpenProgramArray(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	jmp := lab.MapOf(t, first, "jmp")
	if a.ID != jmp.ID || a.Owner != ebpf.XDP || a.MaxEntries != jmp.MaxEntries() {
		t.Errorf("opened %+v, want map %d with %d programs of type xdp", a, jmp.ID, jmp.MaxEntries())
	}
	if err := a.Check(a.MaxEntries, ebpf.XDP); err == nil {
		t.Error("a key behind the last")
	}
	if _, owner := errors.AsType[*prog.OwnerError](a.Check(0, ebpf.SchedCLS)); !owner {
		t.Error("a program of another type")
	}
	before := lab.Slots(t, jmp.Map)
	frags := lab.Load(t, "frags.o", elf.Selector{Section: "xdp.frags"}).Program()
	if _, err := a.Put(0, frags); err == nil {
		t.Error("a program with other flags")
	} else if _, mismatch := errors.AsType[*prog.MismatchError](err); !mismatch {
		t.Error(err)
	}
	if diff := cmp.Diff(before, lab.Slots(t, jmp.Map)); diff != "" {
		t.Errorf("slots changed:\n%s", diff)
	}
	p := lab.Load(t, "tiny.o", elf.Selector{}).Program()
	old, err := a.Put(0, p)
	if err != nil {
		t.Fatal(err)
	}
	if after := lab.Slots(t, jmp.Map); old == nil || old.ID != before[0] || after[0] != p.ID || after[1] != before[1] {
		t.Errorf("replaced %+v, slots are %v, were %v", old, after, before)
	}
	for path, says := range map[string]string{
		b.Root + "/prog": "a program of type xdp, not a map",
		b.Root + "/none": "no such file",
	} {
		if _, err := prog.OpenProgramArray(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
	b.Install("shared_xdp.o", load.Options{})
	if _, err := prog.OpenProgramArray(b.Root + "/tc/globals/shared"); err == nil || !strings.Contains(err.Error(), "not a program array") {
		t.Errorf("an array of counters: %v", err)
	}
}

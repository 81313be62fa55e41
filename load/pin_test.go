package load_test

import (
	"slices"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
)

// TestPin: programs of several kinds share the maps of one load, and are pinned, with the
// arrays of each.
func TestPin(t *testing.T) {
	b := lab.NewBench(t)
	pin := func(object string, o load.Options) *load.Loaded {
		t.Helper()
		o.Pins.Root = b.Root
		l, err := load.Pin(t.Context(), lab.Object(t, object), o)
		if err != nil {
			t.Fatal(err)
		}
		b.Exit(l)
		return l
	}
	l := pin("forward.o", load.Options{
		Select: elf.Selector{Program: "to_cpu"}, Also: []elf.Selector{{Section: "xdp/cpumap"}, {Program: "to_cpu"}},
		Pins: load.PinOptions{Programs: b.Root + "/fwd"},
	})
	if len(l.Entries) != 2 || l.Entries[1].Name != "on_cpu" || l.Entries[1].Pin != b.Root+"/fwd/on_cpu" {
		t.Errorf("entries are %+v", l.Entries)
	}
	steps := l.Map("steps").ID
	for _, p := range l.Programs {
		if !slices.Contains(p.MapIDs, steps) {
			t.Errorf("program %s has maps %d, without %d", p.Name, p.MapIDs, steps)
		}
	}
	b.WantPins("fwd/on_cpu", "fwd/to_cpu")

	bpftest.Need(t, bpftest.Fixture("tail.o")...)
	tails := pin("tail.o", load.Options{
		Select: elf.Selector{Program: "alone"}, Also: []elf.Selector{{Section: "xdp.frags"}},
		Pins: load.PinOptions{Programs: b.Root + "/tail"},
	})
	if got := run(t, tails.Entries[1].ID); got != 2 {
		t.Errorf("verdict %d after the loader has gone, want 2", got)
	}
	if n := len(b.Pins()); n != 6 { // 4 programs and the entry's two arrays
		t.Errorf("pinned are %q", b.Pins())
	}
}

// TestPinNothing: where one program is refused, or one of the names is taken, none is there.
func TestPinNothing(t *testing.T) {
	b := lab.NewBench(t)
	for name, tt := range map[string]struct {
		object string
		all    []elf.Selector
		pins   string
	}{
		"a program of no type":          {"tail_kinds.o", []elf.Selector{{Program: "tail"}}, "x"},
		"one that the verifier rejects": {"trials.o", []elf.Selector{{Program: "bad_null"}, {Program: "bad_read"}}, "x"},
		"one without its target":        {"freplace.o", []elf.Selector{{}}, "x"},
		"a name that cannot be":         {"forward.o", []elf.Selector{{Program: "arrived"}, {Program: "to_port"}}, "no.dots"},
	} {
		t.Run(name, func(t *testing.T) {
			bpftest.NoLeaks(t)
			_, err := load.Pin(t.Context(), lab.Object(t, tt.object), load.Options{
				Select: tt.all[0], Also: tt.all[1:], Pins: load.PinOptions{Root: b.Root, Programs: b.Root + "/" + tt.pins, Maps: b.Root + "/maps"},
			})
			if err == nil {
				t.Error("it is loaded")
			}
			b.WantPins()
		})
	}
}

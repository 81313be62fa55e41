package load_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// TestTailCallsOutliveLoader: arrays that nothing pins work on when the loader has
// exited, also after a reload; after detach nothing is left.
func TestTailCallsOutliveLoader(t *testing.T) {
	for _, tt := range []struct {
		name   string
		object string
		sel    elf.Selector
		arrays int
		want   uint32
	}{
		{"sections", "tail.o", elf.Selector{Section: "xdp.frags"}, 2, 2},
		{"initial values", "tailbtf.o", elf.Selector{Section: "xdp"}, 1, 2},
		{"a program in its own array", "tail_self.o", elf.Selector{}, 1, 2},
		{"tc", "tail_none.o", elf.Selector{Type: ebpf.SchedCLS}, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, bpftest.Fixture(tt.object)...)
			b := lab.NewBench(t)
			var hook attach.Hook = b.Hook
			if tt.sel.Type == ebpf.SchedCLS {
				hook = b.Ingress()
			}
			for range 2 {
				l, err := b.Try(tt.object, load.Options{Select: tt.sel}, hook)
				if err != nil {
					t.Fatal(err)
				}
				id := l.Program().ID
				b.Exit(l)
				if got := run(t, id); got != tt.want {
					t.Errorf("verdict %d, want %d", got, tt.want)
				}
				if pins := b.Pins(); len(pins) != tt.arrays {
					t.Errorf("pinned are %q, want %d arrays of the program that runs", pins, tt.arrays)
				}
			}
			b.Detach(hook)
			b.WantPins()
		})
	}
}

// TestFullTable: a program that has no room in its array is not left out of it.
func TestFullTable(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	_, err := load.Load(t.Context(), lab.Object(t, "tailbtf.o"), load.Options{
		Select: elf.Selector{Section: "xdp"},
		Maps:   []load.MapOption{{Name: "jmp", MaxEntries: 1}},
		Pins:   load.PinOptions{Off: true},
	})
	x, ok := errors.AsType[*load.Error](err)
	if !ok || x.Map != "jmp" || !errors.Is(err, unix.E2BIG) {
		t.Errorf("a table of 1 for more programs: %v", err)
	}
}

// TestReload: what is refused on the way leaves the attached program and every slot
// of the pinned array as they were, by id; what succeeds changes both.
func TestReload(t *testing.T) {
	b := lab.NewBench(t)
	first := b.Install("live_drop.o", load.Options{})
	jmp, err := ebpf.LoadPinnedMap(b.Root+"/tc/globals/jmp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer jmp.Close()
	before, id := lab.Slots(t, jmp), first.Program().ID
	b.Exit(first)
	xdp, tc := attach.Plan{Hook: b.Hook, Replace: true}, attach.Plan{Hook: b.Ingress(), Replace: true}
	for _, tt := range []struct {
		name, object string
		plan         attach.Plan
		typ          ebpf.ProgramType
		want         string
	}{
		{"second tail program is rejected", "live_rejected.o", xdp, ebpf.XDP, "program last: "},
		{"attach is refused", "live_tx.o", attach.Plan{Hook: b.Hook}, ebpf.XDP, "XDP program already attached"},
		{"other flags", "live_frags.o", xdp, ebpf.XDP, "program entry: invalid argument: the program array that was there before is for programs of another kind"},
		{"other type", "live_tc.o", tc, ebpf.SchedCLS, "/tc/globals/jmp is a program array for programs of type xdp, the object's are sched_cls"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.TryPlan(tt.object, load.Options{Select: elf.Selector{Type: tt.typ}}, tt.plan)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if _, owner := errors.AsType[*prog.OwnerError](err); owner != (tt.typ == ebpf.SchedCLS) {
				t.Errorf("%v: OwnerError is %v", err, owner)
			}
			if diff := cmp.Diff(before, lab.Slots(t, jmp)); diff != "" {
				t.Errorf("slots changed:\n%s", diff)
			}
			if now := b.Attached(b.Hook); now != id {
				t.Errorf("program %d is attached, was %d", now, id)
			}
			if got := run(t, id); got != 1 {
				t.Errorf("verdict %d, want XDP_DROP", got)
			}
		})
	}

	second := b.Install("live_tx.o", load.Options{})
	newID := second.Program().ID
	b.Exit(second)
	if got := run(t, newID); got != 3 {
		t.Errorf("verdict %d after a reload, want XDP_TX", got)
	}
	after := lab.Slots(t, jmp)
	if len(after) != 2 || after[0] == before[0] || after[1] == before[1] {
		t.Errorf("slots are %v, were %v", after, before)
	}
	b.WantPins("tc/globals/jmp")
	b.Detach(b.Hook)
	b.WantPins("tc/globals/jmp")
}

// TestReloadFrozen: a slot that cannot change is found before anything is attached.
func TestReloadFrozen(t *testing.T) {
	b := lab.NewBench(t)
	first := b.Install("live_drop.o", load.Options{})
	id := first.Program().ID
	if err := lab.MapOf(t, first, "jmp").Freeze(); err != nil {
		t.Fatal(err)
	}
	b.Exit(first)
	_, err := b.Try("live_tx.o", load.Options{}, b.Hook)
	if err == nil || !strings.Contains(err.Error(), "the map is frozen") {
		t.Errorf("got %v", err)
	}
	if now := b.Attached(b.Hook); now != id {
		t.Errorf("program %d is attached, was %d", now, id)
	}
}

func TestTailOption(t *testing.T) {
	b := lab.NewBench(t)
	for _, tt := range []struct {
		name string
		tail elf.TailCall
		want uint32
		err  string
	}{
		{name: "drop", tail: elf.TailCall{Map: "jmp", Key: 1, Program: "drop"}, want: 1},
		{name: "tx", tail: elf.TailCall{Map: "jmp", Key: 1, Program: "tx"}, want: 3},
		{name: "other key", tail: elf.TailCall{Map: "jmp", Key: 0, Program: "tx"}, want: 2},
		{name: "key", tail: elf.TailCall{Map: "jmp", Key: 2, Program: "tx"}, err: `tail call to map "jmp" key 2: it has 2 entries`},
		{name: "map", tail: elf.TailCall{Map: "jump", Key: 1, Program: "tx"}, err: `tail call to map "jump" key 1`},
		{name: "program", tail: elf.TailCall{Map: "jmp", Key: 1, Program: "rx"}, err: `no program "rx"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := b.Try("tail_empty.o", load.Options{Select: elf.Selector{Section: "xdp"}, TailCalls: []elf.TailCall{tt.tail}}, b.Hook)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id := l.Program().ID
			b.Exit(l)
			if got := run(t, id); got != tt.want {
				t.Errorf("verdict %d, want %d", got, tt.want)
			}
		})
	}
}

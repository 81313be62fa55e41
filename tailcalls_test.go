package xdpload_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
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
			b := newBench(t)
			var hook attach.Hook = b.hook
			if tt.sel.Type == ebpf.SchedCLS {
				hook = b.ingress()
			}
			for range 2 {
				l, err := b.try(tt.object, load.Options{Select: tt.sel}, hook)
				if err != nil {
					t.Fatal(err)
				}
				id := l.Program().ID
				b.exit(l)
				if got := run(t, id); got != tt.want {
					t.Errorf("verdict %d, want %d", got, tt.want)
				}
				if pins := b.tree(); len(pins) != tt.arrays {
					t.Errorf("pinned are %q, want %d arrays of the program that runs", pins, tt.arrays)
				}
			}
			b.detach(hook)
			b.wantTree()
		})
	}
}

// TestOwnedStaysInUse: an array stays when another device runs the program.
func TestOwnedStaysInUse(t *testing.T) {
	b := newBench(t)
	l := b.install("tail_self.o", load.Options{})
	if _, err := xdpload.Attach(b.conn, l.Program(), b.other); err != nil {
		t.Fatal(err)
	}
	b.exit(l)
	b.detach(b.hook)
	if len(b.tree()) != 1 {
		t.Errorf("pinned are %q, want the array of the program on the other device", b.tree())
	}
	b.detach(b.other)
	b.wantTree()
}

// TestOwnedOfOthers: taking off also lets go of the array of a program that someone
// else took off, even where there is nothing left to take off.
func TestOwnedOfOthers(t *testing.T) {
	b := newBench(t)
	l := b.install("tailbtf.o", load.Options{Select: elf.Selector{Section: "xdp"}})
	owner := l.Program().Owner()
	b.exit(l)
	if err := b.conn.SetXDP(b.hook.Ifindex, netlink.XDP{FD: -1}); err != nil {
		t.Fatal(err)
	}
	for alive := true; alive; {
		var err error
		if alive, err = owner.Alive(); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.tree()) != 1 {
		t.Fatalf("pinned are %q, want the array of the program", b.tree())
	}
	_, err := xdpload.Apply(t.Context(), b.conn, []xdpload.Plan{{Hook: b.hook}}, xdpload.Options{Root: b.root})
	if err != nil {
		t.Error(err)
	}
	b.wantTree()
}

// TestOwnedStaysForLink: an array stays when a bpf_link runs the program, here
// in a network namespace where nobody else looks.
func TestOwnedStaysForLink(t *testing.T) {
	b := newBench(t)
	l := b.install("tail_self.o", load.Options{})
	elsewhere := bpftest.NewNamespace(t)
	ifindex, _ := elsewhere.Veth("v0", "v1")
	link := attach.XDP{Ifindex: ifindex, Link: "/sys/fs/bpf/" + elsewhere.Name}
	t.Cleanup(func() { os.Remove(link.Link) })
	if _, err := attachIn(elsewhere, l.Program(), link); err != nil {
		t.Fatal(err)
	}
	b.exit(l)
	b.detach(b.hook)
	if len(b.tree()) != 1 {
		t.Errorf("pinned are %q, want the array of the program that the link runs", b.tree())
	}
}

// TestReload: what is refused on the way leaves the attached program and every slot
// of the pinned array as they were, by id; what succeeds changes both.
func TestReload(t *testing.T) {
	b := newBench(t)
	first := b.install("live_drop.o", load.Options{})
	jmp, err := ebpf.LoadPinnedMap(b.root+"/tc/globals/jmp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer jmp.Close()
	before, id := slots(t, jmp), first.Program().ID
	b.exit(first)
	taken := b.hook
	taken.Replace = false
	tc := b.ingress()
	for _, tt := range []struct {
		name, object string
		hook         attach.Hook
		typ          ebpf.ProgramType
		want         string
	}{
		{"second tail program is rejected", "live_rejected.o", b.hook, ebpf.XDP, "program last: "},
		{"attach is refused", "live_tx.o", taken, ebpf.XDP, "XDP program already attached"},
		{"other flags", "live_frags.o", b.hook, ebpf.XDP, "program entry: invalid argument: the program array that was there before is for programs of another kind"},
		{"other type", "live_tc.o", tc, ebpf.SchedCLS, "/tc/globals/jmp is a program array for programs of type XDP, the object's are SchedCLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.try(tt.object, load.Options{Select: elf.Selector{Type: tt.typ}}, tt.hook)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if _, owner := errors.AsType[*prog.OwnerError](err); owner != (tt.typ == ebpf.SchedCLS) {
				t.Errorf("%v: OwnerError is %v", err, owner)
			}
			if diff := cmp.Diff(before, slots(t, jmp)); diff != "" {
				t.Errorf("slots changed:\n%s", diff)
			}
			if now := b.attached(b.hook); now != id {
				t.Errorf("program %d is attached, was %d", now, id)
			}
			if got := run(t, id); got != 1 {
				t.Errorf("verdict %d, want XDP_DROP", got)
			}
		})
	}

	second := b.install("live_tx.o", load.Options{})
	newID := second.Program().ID
	b.exit(second)
	if got := run(t, newID); got != 3 {
		t.Errorf("verdict %d after a reload, want XDP_TX", got)
	}
	after := slots(t, jmp)
	if len(after) != 2 || after[0] == before[0] || after[1] == before[1] {
		t.Errorf("slots are %v, were %v", after, before)
	}
	b.wantTree("tc/globals/jmp")
	b.detach(b.hook)
	b.wantTree("tc/globals/jmp")
}

// TestReloadFrozen: a slot that cannot change is found before anything is attached.
func TestReloadFrozen(t *testing.T) {
	b := newBench(t)
	first := b.install("live_drop.o", load.Options{})
	id := first.Program().ID
	if err := mapOf(t, first, "jmp").Freeze(); err != nil {
		t.Fatal(err)
	}
	b.exit(first)
	_, err := b.try("live_tx.o", load.Options{}, b.hook)
	if err == nil || !strings.Contains(err.Error(), "the map is frozen") {
		t.Errorf("got %v", err)
	}
	if now := b.attached(b.hook); now != id {
		t.Errorf("program %d is attached, was %d", now, id)
	}
}

func TestTailOption(t *testing.T) {
	b := newBench(t)
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
			l, err := b.try("tail_empty.o", load.Options{Select: elf.Selector{Section: "xdp"}, TailCalls: []elf.TailCall{tt.tail}}, b.hook)
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
			b.exit(l)
			if got := run(t, id); got != tt.want {
				t.Errorf("verdict %d, want %d", got, tt.want)
			}
		})
	}
}

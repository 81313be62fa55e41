package load_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/pin"
)

func database(t *testing.T, text string) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bpf_pinning")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{name}
}

// TestPinLayout: every pinning has its place, and a second load finds the maps
// there, with what is in them.
func TestPinLayout(t *testing.T) {
	b := lab.NewBench(t)
	o := load.Options{Pins: load.PinOptions{Databases: database(t, "2 no\n0x4 foo/bar # comment\n")}}
	first := b.Install("pins.o", o)
	sum := lab.Object(t, "pins.o").SHA1()
	b.WantPins("foo/bar/by_number", "tc/"+hex.EncodeToString(sum[:])+"/by_object", "tc/globals/by_global", "tc/globals/by_name")
	if len(first.Warnings) != 1 || !strings.Contains(first.Warnings[0], "bpf_pinning:1: number 2 is reserved") {
		t.Errorf("warnings %q", first.Warnings)
	}
	run(t, first.Program().ID)
	second := b.Install("pins.o", o)
	for _, m := range second.Maps {
		old := lab.MapOf(t, first, m.Name)
		shared := m.Name != "by_none"
		if (m.ID == old.ID) != shared || m.Reused != shared || (m.Pin != "") != shared {
			t.Errorf("%s: id %d, was %d; reused %v, pinned %q", m.Name, m.ID, old.ID, m.Reused, m.Pin)
		}
		var n uint32
		if err := m.Lookup(uint32(0), &n); err != nil || n == 0 && shared {
			t.Errorf("%s counts %d, %v", m.Name, n, err)
		}
	}
}

func TestPinDatabase(t *testing.T) {
	b := lab.NewBench(t)
	for _, tt := range []struct{ name, text, want string }{
		{"no entry", "4 x\n", `map custom: pinning 99 has no entry in `},
		{"junk line", "99 custom\njunk\n", `bpf_pinning:2: "junk" is not an entry`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.Try("pin99.o", load.Options{Pins: load.PinOptions{Databases: database(t, tt.text)}}, b.Hook)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			b.WantPins()
		})
	}
	l := b.Install("pin99.o", load.Options{Pins: load.PinOptions{Databases: database(t, "99 custom\n")}})
	run(t, l.Program().ID)
	b.WantPins("custom/custom")
}

// TestPinFailure: when a load fails, at the verifier or at the hook, no pin of
// it stays, and those that were there do.
func TestPinFailure(t *testing.T) {
	b := lab.NewBench(t)
	taken := attach.Plan{Hook: b.Other}
	first, err := b.TryPlan("tiny.o", load.Options{}, taken)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(object string) {
		t.Helper()
		_, err := b.TryPlan(object, load.Options{}, taken)
		if _, ok := errors.AsType[*attach.OccupiedError](err); !ok {
			t.Fatalf("%s: %v, want an OccupiedError", object, err)
		}
		if id := b.Attached(b.Other); id != first.Program().ID {
			t.Errorf("%s: program %d is attached, was %d", object, id, first.Program().ID)
		}
	}
	refuse("shared_xdp.o")
	refuse("tail_self.o")
	if _, err := os.Lstat(b.Root + "/tc"); err == nil {
		t.Error("a directory stays")
	}
	b.WantPins()
	if _, err := b.Try("live_rejected.o", load.Options{}, b.Hook); err == nil {
		t.Error("the verifier takes live_rejected.o")
	}
	b.WantPins()
	b.Install("shared_xdp.o", load.Options{})
	refuse("shared_xdp.o")
	b.WantPins("tc/globals/shared")
}

func TestMismatch(t *testing.T) {
	b := lab.NewBench(t)
	first := b.Install("table16.o", load.Options{})
	table := lab.MapOf(t, first, "table")
	for _, key := range []uint32{1, 7} {
		if err := table.Put(key, uint64(key)*11); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Put(uint32(9), uint64(1<<32)); err != nil {
		t.Fatal(err)
	}
	on := func(m load.OnMismatch) load.Options {
		return load.Options{Pins: load.PinOptions{OnMismatch: m}}
	}
	for _, tt := range []struct {
		name, object string
		on           load.OnMismatch
		want         string
	}{
		{"fail", "table32.o", load.MismatchFail, "max_entries is 32 in the object, 16 in the pinned map"},
		{"fail with types", "table_u32.o", load.MismatchFail, "value_size is 4 in the object, 8 in the pinned map"},
		{"narrower numbers", "table_u32.o", load.MismatchMigrate, "migrate from " + b.Root + "/tc/globals/table: entry 9: 4294967296 does not fit the type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.Try(tt.object, on(tt.on), b.Hook)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if id := lab.PinnedID(t, b.Root+"/tc/globals/table"); id != table.ID {
				t.Errorf("map %d is pinned, was %d", id, table.ID)
			}
		})
	}
	// A refused attach puts the old map back.
	if _, err := b.TryPlan("table32.o", on(load.MismatchRecreate), attach.Plan{Hook: b.Hook}); err == nil {
		t.Error("attached to a hook that is taken")
	}
	if id := lab.PinnedID(t, b.Root+"/tc/globals/table"); id != table.ID {
		t.Errorf("after a refused attach map %d is pinned, was %d", id, table.ID)
	}

	l := b.Install("table32.o", on(load.MismatchMigrate))
	migrated := lab.MapOf(t, l, "table")
	var value uint64
	if err := migrated.Lookup(uint32(7), &value); err != nil || value != 77 || migrated.MaxEntries() != 32 {
		t.Errorf("key 7 is %d of %d entries, %v", value, migrated.MaxEntries(), err)
	}
	if got := run(t, l.Program().ID); got != 1 {
		t.Errorf("verdict %d, want XDP_DROP: key 1 is there", got)
	}
	l = b.Install("table_u32.o", on(load.MismatchRecreate))
	if got := run(t, l.Program().ID); got != 2 {
		t.Errorf("verdict %d, want XDP_PASS: the map is empty", got)
	}
	b.WantPins("tc/globals/table")
	if id := lab.PinnedID(t, b.Root+"/tc/globals/table"); id != lab.MapOf(t, l, "table").ID {
		t.Errorf("map %d is pinned", id)
	}
}

// TestMismatchMembers: values that grew and changed order are migrated by the names of their
// members, and it is told what has no counterpart.
func TestMismatchMembers(t *testing.T) {
	b := lab.NewBench(t)
	migrate := load.Options{Pins: load.PinOptions{OnMismatch: load.MismatchMigrate}}
	grown := lab.MapOf(t, b.Install("grown_before.o", load.Options{}), "grown")
	if err := grown.Put(uint32(1), []uint32{7, 5}); err != nil { // limit, old
		t.Fatal(err)
	}
	l := b.Install("grown_after.o", migrate)
	path := b.Root + "/tc/globals/grown"
	want := []string{
		"the entries of " + path + " have lost value.old, which the object does not have",
		"the entries of " + path + " have got value.burst, which the pinned map did not have: all 0",
	}
	if diff := cmp.Diff(want, l.Warnings); diff != "" {
		t.Error(diff)
	}
	var value []byte
	if err := lab.MapOf(t, l, "grown").Lookup(uint32(1), &value); err != nil {
		t.Fatal(err)
	}
	if order := binary.NativeEndian; len(value) != 16 || order.Uint32(value) != 0 || order.Uint64(value[8:]) != 7 {
		t.Errorf("the value is %x", value)
	}
	if got := run(t, l.Program().ID); got != 1 {
		t.Errorf("verdict %d, want XDP_DROP: the limit is 7", got)
	}
}

// TestMismatchFull: what has no room in the new map is no silent loss.
func TestMismatchFull(t *testing.T) {
	b := lab.NewBench(t)
	table := lab.MapOf(t, b.Install("table32.o", load.Options{}), "table")
	for key := range uint32(20) {
		if err := table.Put(key, uint64(key)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.Try("table16.o", load.Options{Pins: load.PinOptions{OnMismatch: load.MismatchMigrate}}, b.Hook)
	if err == nil || !strings.Contains(err.Error(), "the entries do not all fit, the object's map holds 16") {
		t.Errorf("got %v", err)
	}
	if id := lab.PinnedID(t, b.Root+"/tc/globals/table"); id != table.ID {
		t.Errorf("map %d is pinned, was %d", id, table.ID)
	}
}

// TestKernelChanges: what the kernel adds to a definition is no difference.
func TestKernelChanges(t *testing.T) {
	b := lab.NewBench(t)
	for range 2 {
		l := b.Install("pin_devmap.o", load.Options{})
		if got := run(t, l.Program().ID); got != 1 {
			t.Errorf("verdict %d, want XDP_DROP", got)
		}
	}
	b.WantPins("tc/globals/events", "tc/globals/ports")
}

func TestMapOfMaps(t *testing.T) {
	b := lab.NewBench(t)
	first := b.Install("outer8.o", load.Options{})
	if got := run(t, first.Program().ID); got != 2 {
		t.Errorf("verdict %d, want XDP_PASS", got)
	}
	outer := lab.MapOf(t, first, "outer")
	inner := lab.Slots(t, outer.Map)
	second := b.Install("outer8.o", load.Options{})
	if again := lab.MapOf(t, second, "outer"); again.ID != outer.ID || lab.Slots(t, again.Map)[2] != inner[2] {
		t.Errorf("map %d holds %v, was %d with %v", again.ID, lab.Slots(t, again.Map), outer.ID, inner)
	}
	_, err := b.Try("outer16.o", load.Options{}, b.Hook)
	if err == nil || !strings.Contains(err.Error(), "inner.value_size is 16 in the object, 8 in the pinned map") {
		t.Errorf("other inner maps: %v", err)
	}
	b.WantPins("tc/globals/outer")
}

// TestTogether: loads of one pinned object at once all succeed, with one map.
func TestTogether(t *testing.T) {
	const loads = 8
	b := lab.NewBench(t)
	obj := lab.Object(t, "shared_xdp.o")
	ids := make([]uint32, loads)
	errs := make([]error, loads)
	var all sync.WaitGroup
	for i := range loads {
		all.Go(func() {
			l, err := together(t, b, func(o load.Options) (*load.Loaded, error) {
				return load.Load(t.Context(), obj, o)
			})
			if err != nil {
				errs[i] = err
				return
			}
			ids[i] = l.Maps[0].ID
			errs[i] = l.Close()
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("maps %v", ids)
		}
	}
	b.WantPins("tc/globals/shared")
}

// together is a plan without a hook: a netlink socket is for one goroutine.
func together(t *testing.T, b *lab.Bench, attempt func(load.Options) (*load.Loaded, error)) (*load.Loaded, error) {
	for {
		l, err := attempt(b.Options(load.Options{}))
		if err != nil {
			return nil, err
		}
		if err = l.Publish(t.Context()); err == nil {
			return l, l.Commit()
		}
		if _, raced := errors.AsType[*pin.ConflictError](err); !raced {
			return nil, fmt.Errorf("publish: %w", err)
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
}

// TestSharedWithTC: one map for an XDP and a tc program.
func TestSharedWithTC(t *testing.T) {
	b := lab.NewBench(t)
	xdp := b.Install("shared_xdp.o", load.Options{})
	o := load.Options{}
	o.Select.Type = ebpf.SchedCLS
	tc, err := b.Try("shared_tc.o", o, b.Ingress())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := lab.MapOf(t, xdp, "shared").ID, lab.MapOf(t, tc, "shared").ID; a != b {
		t.Fatalf("maps %d and %d", a, b)
	}
	run(t, xdp.Program().ID)
	run(t, tc.Program().ID)
	var n uint64
	if err := lab.MapOf(t, xdp, "shared").Lookup(uint32(0), &n); err != nil || n < 101 {
		t.Errorf("the map counts %d, %v; want 101 at least", n, err)
	}
}

// TestNothingToPin: no BPF file system matters when nothing is pinned, and
// its absence is told when something is.
func TestNothingToPin(t *testing.T) {
	b := lab.NewBench(t)
	b.Root = t.TempDir()
	b.Install("count.o", load.Options{Select: elf.Selector{Section: "xdp"}})
	for _, object := range []string{"shared_xdp.o", "tail_self.o"} {
		_, err := b.Try(object, load.Options{}, b.Hook)
		path, ok := errors.AsType[*os.PathError](err)
		if !ok || path.Path != b.Root || !strings.Contains(err.Error(), "not a BPF file system") {
			t.Errorf("%s: %v", object, err)
		}
	}
}

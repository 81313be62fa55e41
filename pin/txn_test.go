package pin

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The tree of a load with one global, one object and one custom pin.
var layoutTree = []string{
	"/foo drwx------",
	"/foo/bar drwx------",
	"/foo/bar/c -rw-------",
	"/ip Lrwxrwxrwx -> /tc/",
	"/tc drwx------",
	"/tc/0123456789abcdef0123456789abcdef01234567 drwx------",
	"/tc/0123456789abcdef0123456789abcdef01234567/o -rw-------",
	"/tc/globals drwx------",
	"/tc/globals/g -rw-------",
	"/xdp Lrwxrwxrwx -> /tc/",
}

var layoutPins = []string{"tc/globals/g", "tc/0123456789abcdef0123456789abcdef01234567/o", "foo/bar/c"}

func stagePins(t *testing.T, f *FS, pins ...string) *Txn {
	t.Helper()
	txn := begin(t, f)
	for _, p := range pins {
		must(t, txn.Pin(filepath.Join(f.Root(), p), newMap(t)))
	}
	return txn
}

func TestCommit(t *testing.T) {
	f := newFS(t)
	txn := stagePins(t, f, layoutPins...)
	if diff := cmp.Diff([]string(nil), tree(t, f.Root())); diff != "" {
		t.Errorf("before Publish (-want +got):\n%s", diff)
	}
	must(t, txn.Commit())
	must(t, txn.Rollback())
	if diff := cmp.Diff(layoutTree, tree(t, f.Root())); diff != "" {
		t.Errorf("after Commit and a deferred Rollback (-want +got):\n%s", diff)
	}
	if err := txn.Commit(); !errors.Is(err, errFinished) {
		t.Errorf("second Commit: %v", err)
	}
	if err := txn.Pin(f.abs("late"), newMap(t)); !errors.Is(err, errFinished) {
		t.Errorf("Pin after Commit: %v", err)
	}
}

func TestRollback(t *testing.T) {
	f := newFS(t)
	for _, publish := range []bool{false, true} {
		txn := stagePins(t, f, layoutPins...)
		if publish {
			must(t, txn.Publish(t.Context()))
			if got := mapID(t, f.abs(layoutPins[0])); got == 0 {
				t.Error("published pin has no id")
			}
		}
		must(t, txn.Rollback())
		if diff := cmp.Diff([]string(nil), tree(t, f.Root())); diff != "" {
			t.Errorf("publish %v (-want +got):\n%s", publish, diff)
		}
	}
}

// What others have put into a directory that the transaction made stays.
func TestRollbackSpares(t *testing.T) {
	f := newFS(t)
	txn := stagePins(t, f, "tc/globals/g", "d/ours")
	must(t, txn.Publish(t.Context()))
	must(t, pinDuplicate(newMap(t), f.abs("d/theirs")))
	must(t, os.Remove(f.abs("tc/globals/g")))
	other := newMap(t)
	must(t, pinDuplicate(other, f.abs("tc/globals/g")))
	id := mapID(t, f.abs("tc/globals/g"))
	must(t, txn.Rollback())
	if got := mapID(t, f.abs("tc/globals/g")); got != id {
		t.Errorf("another's pin is map %d, was %d", got, id)
	}
	want := []string{"/d drwx------", "/d/theirs -rw-------", "/tc drwx------", "/tc/globals drwx------", "/tc/globals/g -rw-------"}
	if diff := cmp.Diff(want, tree(t, f.Root())); diff != "" {
		t.Errorf("after Rollback (-want +got):\n%s", diff)
	}
}

func TestConflict(t *testing.T) {
	f := newFS(t)
	first := stagePins(t, f, "tc/globals/b")
	second := stagePins(t, f, "tc/globals/a", "tc/globals/b", "tc/globals/c")
	must(t, first.Commit())
	before, id := tree(t, f.Root()), mapID(t, f.abs("tc/globals/b"))

	err := second.Publish(t.Context())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Path != f.abs("tc/globals/b") || !errors.Is(err, os.ErrExist) {
		t.Fatalf("got %v, want a conflict at b", err)
	}
	if !strings.Contains(err.Error(), "someone else") {
		t.Errorf("text is %q", err)
	}
	if diff := cmp.Diff(before, tree(t, f.Root())); diff != "" {
		t.Errorf("tree after the conflict (-before +after):\n%s", diff)
	}
	if got := mapID(t, f.abs("tc/globals/b")); got != id {
		t.Errorf("pin is map %d, was %d", got, id)
	}
}

func TestReadIsChecked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, path string)
		fails  bool
	}{
		{name: "unchanged", change: func(*testing.T, string) {}},
		{name: "removed", change: func(t *testing.T, path string) { must(t, os.Remove(path)) }, fails: true},
		{name: "replaced", change: func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, pinDuplicate(newMap(t), path))
		}, fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFS(t)
			must(t, stagePins(t, f, "m").Commit())
			txn := begin(t, f)
			m, err := txn.LoadMap(f.abs("m"))
			must(t, err)
			defer m.Close()
			tt.change(t, f.abs("m"))
			err = txn.Publish(t.Context())
			var conflict *ConflictError
			if tt.fails && (!errors.As(err, &conflict) || !errors.Is(err, fs.ErrNotExist)) {
				t.Errorf("got %v, want a conflict", err)
			}
			if !tt.fails && err != nil {
				t.Errorf("got %v", err)
			}
			must(t, txn.Rollback())
		})
	}
}

// TestExpect: what was found at a path has to be there still, be it a map or not.
func TestExpect(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "p").Commit())
	found, err := os.Lstat(f.abs("p"))
	must(t, err)
	for _, gone := range []bool{false, true} {
		if gone {
			must(t, f.Remove(f.abs("p")))
			must(t, stagePins(t, f, "p").Commit())
		}
		txn := begin(t, f)
		txn.Expect(f.abs("p"), found)
		err := txn.Publish(t.Context())
		if c, conflict := errors.AsType[*ConflictError](err); conflict != gone || gone && c.Path != f.abs("p") || !gone && err != nil {
			t.Errorf("gone %v: %v", gone, err)
		}
		must(t, txn.Rollback())
	}
}

func TestReplace(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "m").Commit())
	old := mapID(t, f.abs("m"))

	replace := func() *Txn {
		txn := begin(t, f)
		m, err := txn.LoadMap(f.abs("m"))
		must(t, err)
		defer m.Close()
		must(t, txn.Replace(f.abs("m"), newMap(t)))
		must(t, txn.Publish(t.Context()))
		if mapID(t, f.abs("m")) == old {
			t.Error("still the old map after Publish")
		}
		return txn
	}
	must(t, replace().Rollback())
	if got := mapID(t, f.abs("m")); got != old {
		t.Errorf("map %d after Rollback, want %d", got, old)
	}
	must(t, replace().Commit())
	if got := mapID(t, f.abs("m")); got == old {
		t.Error("old map after Commit")
	}
	if diff := cmp.Diff([]string{"/m -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if err := begin(t, f).Replace(f.abs("m"), newMap(t)); err == nil {
		t.Error("Replace of what was not loaded: no error")
	}
}

// pinnerFunc pins by itself.
type pinnerFunc func(path string) error

func (f pinnerFunc) Pin(path string) error { return f(path) }

// A pin that someone else replaces at the last moment stays that one's.
func TestReplaceOvertaken(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "m").Commit())
	txn := begin(t, f)
	m, err := txn.LoadMap(f.abs("m"))
	must(t, err)
	defer m.Close()
	other := newMap(t)
	must(t, txn.Replace(f.abs("m"), pinnerFunc(func(path string) error {
		must(t, os.Remove(f.abs("m")))
		must(t, pinDuplicate(other, f.abs("m")))
		return pinDuplicate(newMap(t), path)
	})))
	err = txn.Publish(t.Context())
	if conflict := (*ConflictError)(nil); !errors.As(err, &conflict) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a conflict", err)
	}
	if got, want := mapID(t, f.abs("m")), idOf(t, other); got != want {
		t.Errorf("the pin is map %d, not %d as the other one left it", got, want)
	}
	if diff := cmp.Diff([]string{"/m -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func idOf(t *testing.T, m *ebpf.Map) uint32 {
	t.Helper()
	info, err := m.Info()
	must(t, err)
	id, _ := info.ID()
	return uint32(id)
}

// After a Commit that fails nothing is pinned.
func TestCommitFails(t *testing.T) {
	f := newFS(t)
	txn := stagePins(t, f, layoutPins...)
	must(t, txn.Publish(t.Context()))
	must(t, os.MkdirAll(filepath.Join(f.abs(home), journalClosed, "way"), dirMode))
	if err := txn.Commit(); err == nil {
		t.Error("the journal is closed, in a place that is taken")
	}
	for _, p := range layoutPins {
		if _, err := os.Lstat(f.abs(p)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is pinned: %v", p, err)
		}
	}
	must(t, stagePins(t, f, "m").Commit())
	if diff := cmp.Diff([]string{"/m -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("tree after the next one (-want +got):\n%s", diff)
	}
}

// A transaction does not find what a dead one has left.
func TestBeginAfterDeath(t *testing.T) {
	f := newFS(t)
	dead := stagePins(t, f, "m")
	must(t, dead.Publish(t.Context()))
	dead.unlock() // as the kernel does for a dead process
	if m, err := begin(t, f).LoadMap(f.abs("m")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("found %v, %v", m, err)
	}
}

// A transaction undoes what one has left that died after this one began.
func TestPublishAfterDeath(t *testing.T) {
	f := newFS(t)
	late, dead := stagePins(t, f, "a"), stagePins(t, f, "b")
	must(t, dead.Publish(t.Context()))
	dead.unlock() // as the kernel does for a dead process
	must(t, late.Commit())
	if diff := cmp.Diff([]string{"/a -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// The object from a pin must not take that pin along.
func TestPinReusedMapElsewhere(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "m").Commit())
	txn := begin(t, f)
	m, err := txn.LoadMap(f.abs("m"))
	must(t, err)
	defer m.Close()
	must(t, txn.Pin(f.abs("n"), m))
	must(t, txn.Pin(f.abs("p"), newProgram(t, m)))
	must(t, txn.Commit())
	if mapID(t, f.abs("m")) != mapID(t, f.abs("n")) {
		t.Error("two pins of one map differ")
	}
}

func TestBadPath(t *testing.T) {
	f := newFS(t)
	for _, tt := range []struct{ name, path, want string }{
		{name: "outside", path: "/sys/fs/other/m", want: "not below"},
		{name: "root", path: f.Root(), want: "not below"},
		{name: "relative", path: "m", want: "not below"},
		{name: "climbs", path: f.Root() + "/../m", want: "not below"},
		{name: "dot", path: f.abs("tc/a.b"), want: "dot"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := begin(t, f).Pin(tt.path, newMap(t))
			var pathErr *os.PathError
			if !errors.As(err, &pathErr) || pathErr.Path != tt.path || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q and the path", err, tt.want)
			}
		})
	}
	txn := stagePins(t, f, "twice")
	if err := txn.Pin(f.abs("twice"), newMap(t)); err == nil {
		t.Error("two objects at one path: no error")
	}
	if _, err := txn.LoadMap(f.abs("none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadMap of nothing: %v", err)
	}
}

func TestReadOnlyFS(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "m").Commit())
	must(t, unix.Mount("", f.Root(), "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))

	txn := begin(t, f)
	m, err := txn.LoadMap(f.abs("m"))
	must(t, err)
	defer m.Close()
	if err := txn.Commit(); err != nil {
		t.Errorf("nothing to pin: %v", err)
	}
	if err := stagePins(t, f, "n").Commit(); !errors.Is(err, unix.EROFS) {
		t.Errorf("something to pin: %v, want EROFS", err)
	}
}

// A transaction that only reuses keeps nobody waiting.
func TestReuseDoesNotHold(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "m", home+"/owned/x").Commit())
	reuse := begin(t, f)
	m, err := reuse.LoadMap(f.abs("m"))
	must(t, err)
	defer m.Close()
	must(t, reuse.Publish(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	other := stagePins(t, f, "n")
	if err := other.Publish(ctx); err != nil {
		t.Errorf("Publish beside one that reuses: %v", err)
	}
	must(t, other.Commit())
	must(t, reuse.Commit())
}

// load is what a loader does: reuse the pins that are there, make the others,
// and start again when another load comes between. Half of the loads are
// refused after Publish, as an attach is.
func load(t *testing.T, f *FS, refused bool, paths ...string) (ids []uint32) {
	for {
		txn := begin(t, f)
		ids = ids[:0]
		for _, p := range paths {
			m, err := txn.LoadMap(f.abs(p))
			if errors.Is(err, os.ErrNotExist) {
				m = newMap(t)
				must(t, txn.Pin(f.abs(p), m))
			} else {
				must(t, err)
				t.Cleanup(func() { m.Close() })
			}
			ids = append(ids, idOf(t, m))
		}
		err := txn.Publish(t.Context())
		if conflict := (*ConflictError)(nil); errors.As(err, &conflict) {
			continue
		}
		must(t, err)
		if refused {
			must(t, txn.Rollback())
			return nil
		}
		must(t, txn.Commit())
		return ids
	}
}

func TestParallelLoads(t *testing.T) {
	const loads, rounds = 8, 20
	paths := []string{"tc/globals/a", "tc/globals/b", "x/y/c"}
	for range rounds {
		f := newFS(t)
		ids := make([][]uint32, loads)
		var wg sync.WaitGroup
		for i := range loads {
			wg.Go(func() { ids[i] = load(t, f, i%2 == 1, paths...) })
		}
		wg.Wait()
		var want []uint32
		for _, p := range paths {
			want = append(want, mapID(t, f.abs(p)))
		}
		for i := 0; i < loads; i += 2 {
			if diff := cmp.Diff(want, ids[i]); diff != "" {
				t.Fatalf("load %d uses other maps than are pinned (-pinned +used):\n%s", i, diff)
			}
		}
	}
}

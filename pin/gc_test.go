package pin

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// own loads a program whose program array nothing else holds, and returns the
// array's id too.
func own(t *testing.T, f *FS) (*ebpf.Program, Owner, uint32) {
	t.Helper()
	array := newMapOf(t, &ebpf.MapSpec{Name: "jmp", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	defer array.Close()
	p := newProgram(t, array)
	tail, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	})
	must(t, err)
	defer tail.Close()
	must(t, array.Put(uint32(1), tail))
	owner, err := ownerOf(p.FD())
	must(t, err)
	info, err := array.Info()
	must(t, err)
	id, _ := info.ID()
	txn := begin(t, f)
	must(t, txn.Pin(f.OwnedPath(owner, uint32(id)), array))
	must(t, txn.Commit())
	return p, owner, uint32(id)
}

func TestOwned(t *testing.T) {
	f := newFS(t)
	if owned, err := f.Owned(); len(owned) > 0 || err != nil {
		t.Errorf("at first: %v, %v", owned, err)
	}
	must(t, f.Disown(t.Context(), Owner{ID: 1}))
	_, one, id := own(t, f)
	_, two, _ := own(t, f)

	owned, err := f.Owned()
	must(t, err)
	want := map[Owner][]string{one: {f.OwnedPath(one, id)}, two: owned[two]}
	if diff := cmp.Diff(want, owned); diff != "" || len(owned[two]) != 1 {
		t.Errorf("owned (-want +got):\n%s", diff)
	}
	array, err := ebpf.LoadPinnedMap(f.OwnedPath(one, id), nil)
	must(t, err)
	defer array.Close()
	var tail uint32
	if err := array.Lookup(uint32(1), &tail); err != nil || tail == 0 {
		t.Errorf("the array lost its program: %d, %v", tail, err)
	}
	must(t, f.Disown(t.Context(), one))
	must(t, f.Disown(t.Context(), two))
	if rest := tree(t, f.Root()); len(rest) > 0 {
		t.Errorf("left: %q", rest)
	}
}

// TestOwnedByMany: what is listed is not limited by the descriptors that a process may have.
func TestOwnedByMany(t *testing.T) {
	f := newFS(t)
	const many = 200
	for id := range uint32(many) {
		must(t, os.MkdirAll(filepath.Dir(f.OwnedPath(Owner{ID: id + 1, Tag: "a"}, 1)), 0o700))
	}
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: many / 2, Max: limit.Max}))
	owned, err := f.Owned()
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	if len(owned) != many || err != nil {
		t.Errorf("%d owners, %v", len(owned), err)
	}
}

func TestOwnerAlive(t *testing.T) {
	needRoot(t)
	p := newProgram(t, newMap(t))
	o, err := ownerOf(p.FD())
	must(t, err)
	alive := func(o Owner) bool {
		alive, err := o.Alive()
		must(t, err)
		return alive
	}
	if !alive(o) {
		t.Error("a loaded program is not alive")
	}
	reused := o
	reused.LoadTime++
	if alive(reused) {
		t.Error("another program with the same id is alive")
	}
	p.Close()
	if alive(o) {
		t.Error("a closed program is alive")
	}
}

func gc(t *testing.T, f *FS, o GCOptions) []Garbage {
	t.Helper()
	found, err := f.GC(t.Context(), o)
	must(t, err)
	return found
}

func TestGC(t *testing.T) {
	f := newFS(t)
	if got := gc(t, f, GCOptions{Objects: true}); len(got) > 0 {
		t.Errorf("nothing there: %v", got)
	}
	gone, goneOwner, _ := own(t, f)
	_, _, keptID := own(t, f)
	gone.Close()

	used := newMap(t)
	newProgram(t, used)
	const live, dead = "tc/00000000000000000000000000000000000000aa", "tc/00000000000000000000000000000000000000bb"
	txn := stagePins(t, f, live+"/unused", dead+"/m", "tc/globals/m")
	must(t, txn.Pin(f.abs(live+"/used"), used))
	must(t, txn.Commit())

	interrupted := stagePins(t, f, "tc/globals/half")
	must(t, interrupted.Publish(t.Context()))
	interrupted.unlock() // as the kernel does for a dead process

	want := []Garbage{
		{Path: filepath.Join(f.abs(home), journalOpen), Reason: Interrupted},
		{Path: filepath.Dir(f.OwnedPath(goneOwner, 0)), Reason: OwnerGone},
		{Path: f.abs(dead), Reason: ObjectDead},
	}
	before := tree(t, f.Root())
	if diff := cmp.Diff(want, gc(t, f, GCOptions{DryRun: true, Objects: true})); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, tree(t, f.Root())); diff != "" {
		t.Errorf("the dry run changed something (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(want[:2], gc(t, f, GCOptions{})); diff != "" {
		t.Errorf("without objects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], gc(t, f, GCOptions{Objects: true})); diff != "" {
		t.Errorf("with objects (-want +got):\n%s", diff)
	}
	var left []string
	for e, err := range f.Walk("") {
		if err == nil && e.Kind != Link {
			left = append(left, e.Path)
		}
	}
	if len(left) != 4 || mapID(t, left[3]) != keptID {
		t.Errorf("left: %q", left)
	}
	if _, err := os.Stat(f.abs(dead)); err == nil {
		t.Error("the dead object's directory is still there")
	}
}

// A transaction that runs is no garbage.
func TestGCDuringTransaction(t *testing.T) {
	f := newFS(t)
	txn := stagePins(t, f, "m")
	must(t, txn.Publish(t.Context()))
	if got := gc(t, f, GCOptions{DryRun: true}); len(got) > 0 {
		t.Errorf("dry run finds %v", got)
	}
	if got, err := f.GC(t.Context(), GCOptions{}); !isBusy(err) {
		t.Errorf("not refused: %v, %v", got, err)
	}
	must(t, txn.Commit())
	if got := gc(t, f, GCOptions{}); len(got) > 0 {
		t.Errorf("after Commit: %v", got)
	}
	if mapID(t, f.abs("m")) == 0 {
		t.Error("committed pin is gone")
	}
}

// TestDisownDead: arrays of programs that are gone go, others stay, and nobody is
// waited for.
func TestDisownDead(t *testing.T) {
	f := newFS(t)
	must(t, f.DisownDead())
	dead, owner, id := own(t, f)
	_, living, livingID := own(t, f)
	must(t, dead.Close())
	waitGone(t, owner)

	txn := stagePins(t, f, "m")
	must(t, txn.Publish(t.Context()))
	must(t, f.DisownDead())
	if _, err := os.Lstat(f.OwnedPath(owner, id)); err != nil {
		t.Errorf("during a transaction: %v", err)
	}
	must(t, txn.Rollback())
	must(t, f.DisownDead())
	owned, err := f.Owned()
	must(t, err)
	if diff := cmp.Diff(map[Owner][]string{living: {f.OwnedPath(living, livingID)}}, owned); diff != "" {
		t.Errorf("owned (-want +got):\n%s", diff)
	}
}

func TestReason(t *testing.T) {
	for r, want := range map[Reason]string{Interrupted: "interrupted load", ObjectDead: "no program uses its maps", 0: "reason 0", 7: "reason 7"} {
		text, err := r.MarshalText()
		if r.String() != want || string(text) != want || err != nil {
			t.Errorf("%d is %q, %q, %v; want %q", uint8(r), r, text, err, want)
		}
	}
}

// TestInterruptedAfterAttach: a load that is killed when its program runs
// already loses its names, but not the array behind the program's tail calls.
func TestInterruptedAfterAttach(t *testing.T) {
	f := newFS(t)
	array := newMapOf(t, &ebpf.MapSpec{Name: "jmp", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	living := newProgram(t, newMap(t))
	owner, err := ownerOf(living.FD())
	must(t, err)
	gone := Owner{ID: owner.ID, Tag: owner.Tag, LoadTime: owner.LoadTime + 1}
	keep, lose, name := f.OwnedPath(owner, 1), f.OwnedPath(gone, 2), f.abs("name")

	txn, err := f.Begin()
	must(t, err)
	must(t, txn.Pin(name, newMap(t)))
	must(t, txn.Pin(keep, array))
	must(t, txn.Pin(lose, newMap(t)))
	must(t, txn.Publish(t.Context()))
	must(t, txn.lock.repair()) // as the next one does, when the process is dead
	txn.unlock()

	for path, want := range map[string]bool{keep: true, lose: false, name: false} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
	must(t, living.Close())
	waitGone(t, owner)
	garbage, err := f.GC(t.Context(), GCOptions{})
	must(t, err)
	if len(garbage) != 1 || garbage[0].Reason != OwnerGone {
		t.Errorf("collected %+v", garbage)
	}
	if rest := tree(t, f.Root()); len(rest) > 0 {
		t.Errorf("left: %q", rest)
	}
}

// TestKilledAttaching: what a killed load has pinned stays when the program that it
// was about to attach lives, and goes when that does not.
func TestKilledAttaching(t *testing.T) {
	for name, lives := range map[string]bool{"lives": true, "is gone": false} {
		t.Run(name, func(t *testing.T) {
			f := newFS(t)
			owner, err := ownerOf(newProgram(t, newMap(t)).FD())
			must(t, err)
			if !lives {
				owner.LoadTime++
			}
			txn := stagePins(t, f, "a/b", "c")
			must(t, txn.Publish(t.Context()))
			must(t, txn.Attaching(owner))
			txn.unlock() // as the kernel does for a dead process
			must(t, stagePins(t, f, "next").Commit())
			for _, pin := range []string{"a/b", "c"} {
				if _, err := os.Lstat(f.abs(pin)); (err == nil) != lives {
					t.Errorf("%s: %v, and the program %s", pin, err, name)
				}
			}
			if _, err := os.Lstat(f.abs(home)); err == nil {
				t.Errorf("left: %q", tree(t, f.Root()))
			}
		})
	}
}

// A program that may not be asked about counts as alive: its array stays.
func TestInUseUnasked(t *testing.T) {
	needRoot(t)
	program := newProgram(t, newMap(t))
	owner, err := ownerOf(program.FD())
	must(t, err)
	rel := filepath.Join(ownedDir, owner.dirName(), "1")
	done := make(chan bool)
	go func() {
		runtime.LockOSThread() // the thread ends, without the capability
		if err := bpftest.WithoutAdmin(); err != nil {
			t.Error(err)
		}
		if _, err := owner.Alive(); !errors.Is(err, os.ErrPermission) {
			t.Errorf("without CAP_SYS_ADMIN: %v", err)
		}
		done <- inUse(rel)
	}()
	if !<-done {
		t.Error("the array of a program that lives is not in use")
	}
}

func waitGone(t *testing.T, o Owner) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); { // the kernel frees late
		if alive, err := o.Alive(); err != nil || !alive {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the program does not go")
}

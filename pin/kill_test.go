package pin

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// victim publishes pins and rolls back, three times, publishes and commits, and
// so on until it is killed. The first rounds make and remove the whole tree.
func victim(root string) {
	err := func() error {
		f, err := Open(root)
		if err != nil {
			return err
		}
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			return err
		}
		fmt.Println("ready")
		for i := os.Getpid() << 20; ; i++ { // other names than the victims before
			if err := victimRound(f, m, i); err != nil {
				return err
			}
		}
	}()
	fmt.Println(err)
}

func victimRound(f *FS, m *ebpf.Map, i int) error {
	txn, err := f.Begin()
	if err != nil {
		return err
	}
	for _, p := range victimPins(i) {
		if err := txn.Pin(f.abs(p), m); err != nil {
			return err
		}
	}
	if i%4 != 3 {
		if err := txn.Publish(context.Background()); err != nil {
			return err
		}
		return txn.Rollback()
	}
	return txn.Commit()
}

// The pins of round i: some in a directory that exists, some in new ones.
func victimPins(i int) []string {
	return []string{
		fmt.Sprintf("tc/globals/a%d", i),
		fmt.Sprintf("tc/%040d/b", i),
		fmt.Sprintf("x/y%d/z/c", i),
	}
}

// A load that is killed at any point has pinned everything or nothing, once the
// next one or a collection has looked at what it left; and that one succeeds.
func TestKilled(t *testing.T) {
	kills := bpftest.Rounds(240)
	f := newFS(t)
	var interrupted int
	for n := 0; n < kills || interrupted < kills/10; n++ { // a busy machine may not let a victim begin
		kill(t, f, time.Duration(rand.IntN(3000))*time.Microsecond)
		left, err := f.GC(t.Context(), GCOptions{DryRun: true})
		must(t, err)
		interrupted += len(left)
		if n%3 == 0 { // while it undoes what the first one left
			kill(t, f, time.Duration(rand.IntN(300))*time.Microsecond)
		}
		if n%2 == 0 {
			_, err := f.GC(t.Context(), GCOptions{})
			must(t, err)
		}
		must(t, stagePins(t, f, "tc/globals/next", "next/m").Commit())
		checkAllOrNone(t, f)
		for _, d := range []string{"tc", "x", "next", "xdp", "ip"} {
			must(t, os.RemoveAll(f.abs(d)))
		}
		if rest := tree(t, f.Root()); len(rest) > 0 {
			t.Fatalf("kill %d left %q", n, rest)
		}
	}
	t.Logf("%d kills interrupted a transaction", interrupted)
}

func kill(t *testing.T, f *FS, after time.Duration) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envVictim+"="+f.Root())
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	ready := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, ready); err != nil || string(ready) != "ready\n" {
		t.Errorf("victim says %q, %v", ready, err)
	}
	time.Sleep(after)
	must(t, cmd.Process.Kill())
	if rest, _ := io.ReadAll(out); len(rest) > 0 {
		t.Errorf("victim failed: %s", rest)
	}
	_ = cmd.Wait() // killed
}

func checkAllOrNone(t *testing.T, f *FS) {
	t.Helper()
	rounds := make(map[string]int) // pins of a round
	for e, err := range f.Walk("") {
		if strings.HasSuffix(e.Path, ".debug") {
			continue // the kernel's own
		}
		must(t, err)
		rel := strings.TrimPrefix(e.Path, f.Root()+"/")
		switch base := filepath.Base(rel); base {
		case "next", "m":
		case "b":
			rounds[strings.TrimLeft(filepath.Base(filepath.Dir(rel)), "0")]++
		case "c":
			rounds[strings.TrimLeft(strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(rel))), "y"), "0")]++
		default:
			rounds[strings.TrimLeft(strings.TrimPrefix(base, "a"), "0")]++
		}
	}
	for round, n := range rounds {
		if n != len(victimPins(0)) {
			t.Errorf("round %s: %d of %d pins: %q", round, n, len(victimPins(0)), tree(t, f.Root()))
		}
	}
	if dirs := tree(t, f.Root()); slices.ContainsFunc(dirs, func(l string) bool { return strings.HasPrefix(l, "/"+home) }) {
		t.Errorf("left: %q", dirs)
	}
}

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/pin"
)

// TestKilledLoad kills loads with two pins at random points. Afterwards either
// everything is pinned or nothing is, or pin gc restores that, and the next load
// succeeds.
func TestKilledLoad(t *testing.T) {
	kills := bpftest.Rounds(200)
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	root := t.TempDir()
	if err := unix.Mount("bpf", root, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	object := testobj.Path(t, "percpu.o")
	program := func(words ...string) *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", append([]string{"-bpffs", root}, words...)...)
		cmd.Env = []string{asProgram + "=1"}
		return cmd
	}
	load := []string{"-force", "link", "set", "v0", "xdp", "obj", object, "pin-maps", root + "/a/b", "pin", root + "/c/prog"}
	var whole time.Duration // that a load takes, as it was last seen
	loadAll := func() {
		t.Helper()
		start := time.Now()
		if out, err := combined(ns, program(load...)); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		whole = time.Since(start)
	}
	loadAll()
	all := pinned(t, root)
	if len(all) != 2 {
		t.Fatalf("a load pins %q", all)
	}
	var tries, killed, torn, pins int
	for ; killed < kills; tries++ {
		sweep(t, root)
		cmd := program(load...)
		if err := netns.Do(ns.Name, cmd.Start); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole * 5 / 4))
		_ = cmd.Process.Kill() // it may have ended
		err := cmd.Wait()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
			killed++
		} else if err != nil {
			t.Fatal(err)
		}
		if now := pinned(t, root); len(now) != 0 && !slices.Equal(now, all) {
			torn++
			if out, err := combined(ns, program("pin", "gc")); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if now = pinned(t, root); len(now) != 0 && !slices.Equal(now, all) {
				t.Fatalf("after pin gc there are %q", now)
			}
		}
		if len(pinned(t, root)) > 0 {
			pins++
			if err := os.Remove(root + "/c/prog"); err != nil {
				t.Fatal(err)
			}
		}
		loadAll()
		if now := pinned(t, root); !slices.Equal(now, all) {
			t.Fatalf("the next load pins %q", now)
		}
	}
	t.Logf("%d of %d killed, %d halfway, %d with every pin", killed, tries, torn, pins)
}

// TestLoadsAtOnce: of loads of one pinned object at the same time one makes the
// map, the others reuse it, and all succeed.
func TestLoadsAtOnce(t *testing.T) {
	const loads = 8
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	root := filepath.Join(pin.DefaultRoot, ns.Name)
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	object := testobj.Path(t, "shared_tc.o")
	reports := make([]string, loads)
	var all sync.WaitGroup
	for i := range loads {
		all.Go(func() {
			cmd := exec.Command("/proc/self/exe", "-bpffs", root, "-json", "tc", "filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj", object, "sec", "tc")
			cmd.Env = []string{asProgram + "=1"}
			out, err := combined(ns, cmd)
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			reports[i] = out
		})
	}
	all.Wait()
	var id uint32
	made := 0
	for _, text := range reports {
		var report []struct{ Maps []subject.MapReport }
		if err := json.Unmarshal([]byte(text), &report); err != nil || len(report) != 1 || len(report[0].Maps) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		m := report[0].Maps[0]
		if id == 0 {
			id = m.ID
		}
		if m.ID != id || m.Pinned != root+"/tc/globals/shared" {
			t.Errorf("map %+v, another load has id %d", m, id)
		}
		if !m.Reused {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d loads made the map", made)
	}
}

func combined(ns *bpftest.Namespace, cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := ns.Run(cmd)
	return out.String(), err
}

// pinned is every file below root.
func pinned(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".debug") {
			all = append(all, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sweep(t *testing.T, root string) {
	t.Helper()
	for _, dir := range []string{"a", "c", "xdpload"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
	}
}

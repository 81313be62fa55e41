package attach_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// envDying is the network namespace in which a process of these tests dies.
const envDying = "XDPLOAD_TEST_DYING"

// dying is an object whose process is killed when its pins are there: before its
// program is attached, or before all is committed.
type dying struct {
	*xdpload.Object
	early bool
}

func (d dying) Uncommitted() attach.Uncommitted {
	if u := d.Object.Uncommitted(); u != nil {
		return dyingLoad{u, d.early}
	}
	return nil
}

type dyingLoad struct {
	attach.Uncommitted
	early bool
}

func (l dyingLoad) Attaching() error {
	if l.early {
		return unix.Kill(os.Getpid(), unix.SIGKILL)
	}
	return l.Uncommitted.Attaching()
}

func (dyingLoad) Commit() error { return unix.Kill(os.Getpid(), unix.SIGKILL) }

// TestKilledBeforeCommit: a program that was attached by a process that was then
// killed keeps its pins and tail calls, whatever is loaded or collected next.
func TestKilledBeforeCommit(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	if name := os.Getenv(envDying); name != "" {
		die(t, name, "", false)
		return
	}
	for name, next := range map[string]func(b *lab.Bench){
		"another load": func(b *lab.Bench) {
			if _, err := b.Try("shared_xdp.o", load.Options{}, b.Other); err != nil {
				b.T.Error(err)
			}
		},
		"a collection": func(b *lab.Bench) {
			fs, err := pin.Open(b.Root)
			if err != nil {
				b.T.Fatal(err)
			}
			if _, err := fs.GC(b.T.Context(), pin.GCOptions{}); err != nil {
				b.T.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := lab.NewBench(t)
			killed(b, "TestKilledBeforeCommit")
			id := b.Attached(b.Hook)
			before := tailsOf(t, id)
			if id == 0 || len(before) == 0 {
				t.Fatalf("attached is %d, with the tails %v", id, before)
			}
			next(b)
			if diff := cmp.Diff(before, tailsOf(t, id)); diff != "" || b.Attached(b.Hook) != id {
				t.Errorf("attached is %d, was %d; its tails (-before +after):\n%s", b.Attached(b.Hook), id, diff)
			}
			if pins := strings.Join(b.Pins(), " "); !strings.Contains(pins, "tc/globals/jmp") {
				t.Errorf("pinned are %s", pins)
			}
		})
	}
}

// TestKilledWithLink: a pinned link of a load that was killed before it was done is
// not taken for one that is there to stay.
func TestKilledWithLink(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	if name := os.Getenv(envDying); name != "" {
		die(t, name, "/link", true)
		return
	}
	b := lab.NewBench(t)
	killed(b, "TestKilledWithLink")
	hook := attach.Plan{Hook: attach.XDP{Ifindex: b.Hook.Ifindex}, Link: b.Root + "/link", Replace: true}
	if _, err := os.Lstat(hook.Link); err != nil {
		t.Fatalf("killed too early: %v", err)
	}
	l, err := b.TryPlan("live_tx.o", b.Options(load.Options{}), hook)
	if err != nil {
		t.Fatal(err)
	}
	id := l.Program().ID
	b.Exit(l)
	if got := b.Attached(b.Hook); got != id {
		t.Errorf("attached is %d, want %d", got, id)
	}
	b.WantPins("link", "tc/globals/jmp")
}

// killed runs a test in a process that is killed.
func killed(b *lab.Bench, test string) {
	b.T.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), envDying+"="+b.NS.Name, "TMPDIR="+b.T.TempDir()) // what is killed cleans nothing up
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		b.T.Fatalf("not killed: %v: %s", err, out)
	}
}

// die attaches in the namespace of the parent's test.
func die(t *testing.T, name, link string, early bool) {
	root := "/sys/fs/bpf/" + name
	err := netns.Do(name, func() error {
		c, err := netlink.Dial(nil)
		if err != nil {
			return err
		}
		defer c.Close()
		l, err := c.Link("v0")
		if err != nil {
			return err
		}
		plan := attach.Plan{Hook: attach.XDP{Ifindex: l.Index}}
		if link != "" {
			plan.Link = root + link
		}
		source := dying{&xdpload.Object{Object: lab.Object(t, "live_tx.o"), Options: load.Options{Pins: load.PinOptions{Root: root}}}, early}
		source.Options.Select.Type = ebpf.XDP
		plan.Source = source
		_, err = xdpload.Apply(t.Context(), c, []xdpload.Plan{plan}, xdpload.Options{})
		return err
	})
	t.Error("alive: ", err)
}

// tailsOf are the slots of the program array that a program uses.
func tailsOf(t *testing.T, program uint32) map[uint32]uint32 {
	t.Helper()
	fd, err := sys.ProgramByID(program)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(fd)
	info, err := sys.InfoOfProgram(fd)
	if err != nil || len(info.MapIDs) != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
	m, err := ebpf.NewMapFromID(ebpf.MapID(info.MapIDs[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return lab.Slots(t, m)
}

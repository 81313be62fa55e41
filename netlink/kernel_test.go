package netlink

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/testdev"
)

// inNetNS moves the test to a network namespace of its own, which ends with
// its thread: the thread is never unlocked, so the runtime ends it.
func inNetNS(t testing.TB) *Conn {
	t.Helper()
	need.Of(t, need.Root)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	return dialT(t, nil)
}

func dialT(t testing.TB, config *Config) *Conn {
	t.Helper()
	c, err := Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// addVeth makes the pair va, vb, both up and running, and returns va.
func addVeth(t testing.TB, c *Conn) *Link {
	t.Helper()
	if err := testdev.AddVeth("va", "vb"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vb", "va"} {
		if err := testdev.SetUp(linkT(t, c, name).Index); err != nil {
			t.Fatal(err)
		}
	}
	awaitUp(t, c, "vb")
	return awaitUp(t, c, "va")
}

// awaitUp waits for the kernel's link watch, which reports a carrier later.
func awaitUp(t testing.TB, c *Conn, name string) *Link {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if l := linkT(t, c, name); l.State == StateUp {
			return l
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal(name, " does not come up")
	return nil
}

func linkT(t testing.TB, c *Conn, name string) *Link {
	t.Helper()
	l, err := c.Link(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// program loads one that returns verdict.
func program(t testing.TB, typ ebpf.ProgramType, verdict int32) (fd int, id uint32) {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "nl_test", Type: typ, License: "GPL",
		Instructions: asm.Instructions{asm.LoadImm(asm.R0, int64(verdict), asm.DWord), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := info.ID()
	return p.FD(), uint32(n)
}

// TestConcurrent: requests of several goroutines get their own answers. One that
// gets another's waits for ever.
func TestConcurrent(t *testing.T) {
	c := inNetNS(t)
	absent := refused(t, 3)
	var all sync.WaitGroup
	for kind, request := range map[string]func() bool{
		"change": func() bool { return errors.Is(c.SetXDP(absent[0].Ifindex, absent[0].XDP), unix.ENODEV) },
		"batch":  func() bool { return errors.Is(c.SetXDPs(t.Context(), absent)[2], unix.ENODEV) },
		"get": func() bool {
			l, err := c.LinkByIndex(1)
			return err == nil && l.Name == "lo"
		},
		"list": func() bool {
			found, err := c.LinkXDPs()
			return err == nil && len(found) == 1
		},
	} {
		for range 3 {
			all.Go(func() {
				for i := range 30 {
					if !request() {
						t.Errorf("%s %d has another's answer", kind, i)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

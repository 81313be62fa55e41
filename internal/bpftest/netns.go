package bpftest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/sys/intercept"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
)

var prepare = sync.OnceValue(setup)

var serial atomic.Uint32

// A Namespace is a network namespace that lives as long as its test. Its name
// is good for [netns.Do] and for the commands that take -n.
type Namespace struct {
	Name    string
	t       testing.TB
	markers func() *Tap // on the loopback device
	settles sync.Mutex  // one at a time sees its markers
}

// NewNamespace makes a network namespace with its loopback device up, and calls
// [NoLeaks]. It skips the test for a plain user. Its process must have come
// through [Main].
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	Need(t, Root)
	if os.Getenv(isolated) == "" {
		t.Fatal("the package's TestMain does not call bpftest.Main")
	}
	if err := prepare(); err != nil {
		t.Fatal(err)
	}
	NoLeaks(t)
	ns := &Namespace{Name: fmt.Sprintf("t%d", serial.Add(1)), t: t}
	ns.markers = sync.OnceValue(func() *Tap { return ns.TapOf(1, markerType) })
	path := filepath.Join(netns.Dir, ns.Name)
	if err := bindNewNamespace(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path)); err != nil {
			t.Error(err)
		}
	})
	ns.Do(func() error { return testdev.SetUp(1) })
	return ns
}

// bindNewNamespace makes a namespace as ip-netns(8) does: a bind mount keeps
// it when the thread that made it is gone.
func bindNewNamespace(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	f.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread dies
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}()
	return <-done
}

// Do runs fn in the namespace. What fn calls must not end the test.
func (ns *Namespace) Do(fn func() error) {
	ns.t.Helper()
	if err := netns.Do(ns.Name, fn); err != nil {
		ns.t.Fatal(err)
	}
}

// Netlink runs fn with a netlink socket of the namespace.
func (ns *Namespace) Netlink(fn func(*netlink.Conn) error) {
	ns.t.Helper()
	ns.Do(func() error {
		c, err := netlink.Dial(nil)
		if err != nil {
			return err
		}
		defer c.Close()
		return fn(c)
	})
}

// Conn returns a netlink socket of the namespace, which the test's end closes.
func (ns *Namespace) Conn() *netlink.Conn {
	ns.t.Helper()
	var c *netlink.Conn
	ns.Do(func() (err error) {
		c, err = netlink.Dial(nil)
		return err
	})
	ns.t.Cleanup(func() { c.Close() })
	return c
}

// Run starts a command in the namespace and waits for it.
func (ns *Namespace) Run(cmd *exec.Cmd) error {
	return netns.Do(ns.Name, cmd.Run)
}

// AddVeth makes a pair of devices in the namespace, both down.
func (ns *Namespace) AddVeth(a, b string) {
	ns.t.Helper()
	ns.Do(func() error { return testdev.AddVeth(a, b) })
}

// Veth makes a pair of devices in the namespace, both up, and returns their
// indexes.
func (ns *Namespace) Veth(a, b string) (indexA, indexB int) {
	ns.t.Helper()
	ns.AddVeth(a, b)
	ns.Netlink(func(c *netlink.Conn) error {
		for _, d := range []struct {
			name  string
			index *int
		}{{a, &indexA}, {b, &indexB}} {
			l, err := c.Link(d.name)
			if err != nil {
				return err
			}
			*d.index = l.Index
			if err := testdev.SetUp(l.Index); err != nil {
				return err
			}
		}
		return nil
	})
	return indexA, indexB
}

// NetlinkOvertaken runs fn as Netlink does, and step right before the first call
// of bpf(2) with a command, such as [unix.BPF_LINK_UPDATE], that fn makes itself.
// It fails the test if there is none.
func (ns *Namespace) NetlinkOvertaken(command uint32, step func() error, fn func(*netlink.Conn) error) {
	ns.t.Helper()
	var stepErr error
	ns.NetlinkStopped(command, func(n int) unix.Errno {
		if n == 1 {
			stepErr = step()
		}
		return 0
	}, fn)
	if stepErr != nil {
		ns.t.Fatal(stepErr)
	}
}

// NetlinkStopped runs fn as Netlink does, and at right before each call of bpf(2) with
// a command that fn makes itself, numbered from 1. Unless at returns 0, the call fails
// with that error number. It fails the test if there is no such call.
func (ns *Namespace) NetlinkStopped(command uint32, at func(n int) unix.Errno, fn func(*netlink.Conn) error) {
	ns.t.Helper()
	n := 0
	ns.intercepted(func() (*intercept.Calls, error) { return intercept.BPF(command) }, func(c *intercept.Calls) {
		n++
		c.Fail(at(n))
	}, fn)
	if n == 0 {
		ns.t.Fatalf("no call of bpf(2) with command %d", command)
	}
}

// NetlinkLosing runs fn as Netlink does, and has the nth receive of an answer
// fail, from 1. It reports whether there were so many.
func (ns *Namespace) NetlinkLosing(nth int, fn func(*netlink.Conn) error) bool {
	ns.t.Helper()
	return ns.failing(intercept.Receive, nth, fn)
}

// NetlinkUnsent runs fn as Netlink does, and has the nth send of a request fail, from
// 1. It reports whether there were so many.
func (ns *Namespace) NetlinkUnsent(nth int, fn func(*netlink.Conn) error) bool {
	ns.t.Helper()
	return ns.failing(intercept.Send, nth, fn)
}

// NetlinkFailing runs fn as Netlink does, and has the nth call of bpf(2) with a command
// fail, from 1. It reports whether there were so many.
func (ns *Namespace) NetlinkFailing(command uint32, nth int, fn func(*netlink.Conn) error) bool {
	ns.t.Helper()
	return ns.failing(func() (*intercept.Calls, error) { return intercept.BPF(command) }, nth, fn)
}

func (ns *Namespace) failing(start func() (*intercept.Calls, error), nth int, fn func(*netlink.Conn) error) bool {
	ns.t.Helper()
	n := 0
	ns.intercepted(start, func(c *intercept.Calls) {
		if n++; n == nth {
			c.Fail(unix.ENOBUFS)
		}
	}, fn)
	return n >= nth
}

// intercepted runs fn as Netlink does, and at before each of the calls that start
// is about.
func (ns *Namespace) intercepted(start func() (*intercept.Calls, error), at func(*intercept.Calls), fn func(*netlink.Conn) error) {
	ns.t.Helper()
	begun, done := make(chan *intercept.Calls, 1), make(chan error, 1)
	go func() {
		defer close(begun)
		done <- netns.Do(ns.Name, func() error {
			c, err := netlink.Dial(nil)
			if err != nil {
				return err
			}
			defer c.Close()
			calls, err := start()
			if err != nil {
				return err
			}
			defer calls.End() //nolint:errcheck // of a pipe
			begun <- calls
			return fn(c)
		})
	}()
	if calls := <-begun; calls != nil {
		for range calls.All() {
			at(calls)
		}
	}
	if err := <-done; err != nil {
		ns.t.Fatal(err)
	}
}

package attach_test

import (
	"errors"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// A refusing world has two devices on which the kernel attaches no program in native mode, each
// for a reason of its own: the loopback device, and one whose peer has a large MTU.
type refusing struct {
	*bpftest.Namespace
	program  *prog.Program
	v0, peer int
}

func newRefusing(t *testing.T) *refusing {
	bpftest.Need(t, bpftest.Root)
	r := &refusing{Namespace: bpftest.NewNamespace(t), program: lab.Load(t, "tiny.o", elf.Selector{}).Program()}
	r.v0, r.peer = r.Veth("v0", "v1")
	r.setMTU(9000)
	return r
}

func (r *refusing) setMTU(mtu uint32) {
	r.Do(func() error { return testdev.SetMTU(r.peer, mtu) })
}

// link attaches the program by a link, and takes it off.
func (r *refusing) link(c *netlink.Conn, ifindex int, mode netlink.XDPMode) error {
	l, err := attach.NewLink(c, r.program, attach.XDP{Ifindex: ifindex, Mode: mode})
	if err != nil {
		return err
	}
	return l.Close()
}

// TestLinkSentence: the kernel's reason for no bpf_link is that for no program, and that of
// the thread which asks, whatever others are told.
func TestLinkSentence(t *testing.T) {
	r := newRefusing(t)
	bpftest.Need(t, bpftest.LinkRefusals)
	var all sync.WaitGroup
	for _, ifindex := range []int{1, r.v0} {
		_, err := attachIn(t, r.Namespace, r.program, attach.Plan{Hook: attach.XDP{Ifindex: ifindex, Mode: netlink.XDPNative}})
		want, ok := errors.AsType[*netlink.Error](err)
		if !ok || want.Message == "" {
			t.Fatalf("device %d: without a link: %v", ifindex, err)
		}
		c := r.Conn()
		all.Go(func() {
			for range bpftest.Rounds(20) {
				err := r.link(c, ifindex, netlink.XDPNative)
				got, ok := errors.AsType[*attach.HookError](err)
				if !ok || got.Message != want.Message || got.Error() != want.Error() || !errors.Is(err, want.Err) {
					t.Errorf("device %d: %v, without a link %v", ifindex, err, want)
				}
			}
		})
	}
	all.Wait()
}

// TestLinkUnheard: where the tracepoint cannot be read, the refusal is the kernel's all the same.
func TestLinkUnheard(t *testing.T) {
	r := newRefusing(t)
	for _, command := range []uint32{unix.BPF_MAP_CREATE, unix.BPF_PROG_LOAD} {
		r.NetlinkStopped(command, func(int) unix.Errno { return unix.EPERM }, func(c *netlink.Conn) error {
			err := r.link(c, 1, netlink.XDPNative)
			refused, ok := errors.AsType[*attach.HookError](err)
			if !ok || !errors.Is(err, unix.EOPNOTSUPP) || refused.Message != "" || refused.Cause == "" {
				t.Errorf("without command %d: %v", command, err)
			}
			return nil
		})
	}
}

// TestLinkMadeLate: when the device has become ready since the refusal, the link is made.
func TestLinkMadeLate(t *testing.T) {
	r := newRefusing(t)
	ready := func(n int) unix.Errno {
		if n == 1 {
			return unix.ERANGE
		}
		r.setMTU(1500)
		return 0
	}
	r.NetlinkStopped(unix.BPF_LINK_CREATE, ready, func(c *netlink.Conn) error {
		return r.link(c, r.v0, netlink.XDPNative)
	})
}

// TestLinkMadeAtOnce: a link that the kernel makes costs no more than that.
func TestLinkMadeAtOnce(t *testing.T) {
	r := newRefusing(t)
	for _, command := range []uint32{unix.BPF_MAP_CREATE, unix.BPF_PROG_LOAD, unix.BPF_RAW_TRACEPOINT_OPEN} {
		called := r.NetlinkFailing(command, 1, func(c *netlink.Conn) error {
			return r.link(c, r.v0, netlink.XDPGeneric)
		})
		if called {
			t.Errorf("command %d was called", command)
		}
	}
}

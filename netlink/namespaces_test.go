package netlink

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/testdev"
)

func ownNetNS(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestVethAcrossNamespaces(t *testing.T) {
	far := inNetNS(t)
	ns := ownNetNS(t)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	near := dialT(t, nil)

	if err := testdev.AddVeth("va", "vb"); err != nil {
		t.Fatal(err)
	}
	if err := testdev.SetNetNS(linkT(t, near, "vb").Index, int(ns.Fd())); err != nil {
		t.Fatal(err)
	}
	va, vb := linkT(t, near, "va"), linkT(t, far, "vb")
	if va.PeerIndex != vb.Index || va.PeerNetNSID == nil || va.Kind != "veth" {
		t.Errorf("got %+v, peer is %d", va, vb.Index)
	}
	if id, err := near.NetNSID(int(ns.Fd())); err != nil || va.PeerNetNSID == nil || id != *va.PeerNetNSID {
		t.Errorf("its namespace has the id %d, %v, want %v", id, err, va.PeerNetNSID)
	}
	if id, err := near.NetNSID(int(ownNetNS(t).Fd())); err != nil || id != -1 {
		t.Errorf("the own namespace has the id %d, %v", id, err)
	}
	if l := linkT(t, dialT(t, &Config{NetNS: int(ns.Fd())}), "vb"); l.Index != vb.Index {
		t.Errorf("through Config.NetNS: got %+v", l)
	}
	if err := near.DeleteLink(va.Index); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Link("vb"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("peer of a deleted device: %v", err)
	}
}

// TestInNetNS: a function runs in the namespace in which the Conn was dialled,
// wherever the calling thread has gone since.
func TestInNetNS(t *testing.T) {
	far := inNetNS(t)
	home := ownNetNS(t)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Conn{"dialled there": far, "by descriptor": dialT(t, &Config{NetNS: int(home.Fd())})} {
		var there, want unix.Stat_t
		err := c.InNetNS(func() error { return unix.Stat("/proc/thread-self/ns/net", &there) })
		if err != nil || unix.Fstat(int(home.Fd()), &want) != nil || there.Ino != want.Ino {
			t.Errorf("%s: ran in %d, want %d (%v)", name, there.Ino, want.Ino, err)
		}
	}
	c, err := Dial(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := c.InNetNS(func() error { t.Error("ran"); return nil }); !errors.Is(err, unix.EBADF) {
		t.Errorf("after Close: %v", err)
	}
}

// TestInNetNSWithoutInput: a process that has closed its standard input gets the
// number 0 for the descriptor of the namespace.
func TestInNetNSWithoutInput(t *testing.T) {
	far := inNetNS(t)
	home := ownNetNS(t)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	input, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(unix.Dup3(input, 0, 0), unix.Close(input)); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Close(0); err != nil {
		t.Fatal(err)
	}
	var there, want unix.Stat_t
	err = far.InNetNS(func() error { return unix.Stat("/proc/thread-self/ns/net", &there) })
	if err != nil || unix.Fstat(int(home.Fd()), &want) != nil || there.Ino != want.Ino {
		t.Errorf("ran in %d, want %d (%v)", there.Ino, want.Ino, err)
	}
}

package testdev

import (
	"errors"
	"net"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

// newNamespace moves the test's thread to a network namespace of its own, which
// ends with the thread, and returns it.
func newNamespace(t *testing.T) *os.File {
	t.Helper()
	need.Of(t, need.Root)
	runtime.LockOSThread() // and never unlock
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func device(t *testing.T, name string) *net.Interface {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(name, err)
	}
	return i
}

func TestVeth(t *testing.T) {
	far := newNamespace(t)
	newNamespace(t)
	if err := AddVeth("va", "vb"); err != nil {
		t.Fatal(err)
	}
	va, vb := device(t, "va"), device(t, "vb")
	if va.Flags&net.FlagUp != 0 || vb.Flags&net.FlagUp != 0 {
		t.Errorf("new devices: %v, %v, want both down", va.Flags, vb.Flags)
	}
	if err := errors.Join(SetUp(va.Index), SetMTU(va.Index, 9000)); err != nil {
		t.Fatal(err)
	}
	if va = device(t, "va"); va.Flags&net.FlagUp == 0 || va.MTU != 9000 {
		t.Errorf("flags %v, mtu %d, want up, 9000", va.Flags, va.MTU)
	}
	if err := AddVeth("va", "vc"); !errors.Is(err, os.ErrExist) {
		t.Errorf("name that is taken: %v", err)
	}
	if err := SetNetNS(vb.Index, int(far.Fd())); err != nil {
		t.Fatal(err)
	}
	if _, err := net.InterfaceByName("vb"); err == nil {
		t.Error("vb is still here")
	}
	if err := unix.Setns(int(far.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	device(t, "vb")
}

func TestAbsentDevice(t *testing.T) {
	newNamespace(t)
	if err := SetUp(4711); !errors.Is(err, unix.ENODEV) {
		t.Errorf("got %v", err)
	}
}

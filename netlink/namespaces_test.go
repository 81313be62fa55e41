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

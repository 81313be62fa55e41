package netlink

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
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

	if err := near.AddVeth(Veth{Name: "va", Peer: "vb", PeerNetNS: int(ns.Fd())}); err != nil {
		t.Fatal(err)
	}
	va, vb := linkT(t, near, "va"), linkT(t, far, "vb")
	if va.PeerIndex != vb.Index || va.PeerNetNSID == nil || va.Kind != "veth" {
		t.Errorf("got %+v, peer is %d", va, vb.Index)
	}
	if l := linkT(t, dialT(t, &Config{NetNS: int(ns.Fd())}), "vb"); l.Index != vb.Index {
		t.Errorf("through Config.NetNS: got %+v", l)
	}

	if err := near.AddVeth(Veth{Name: "vc", Peer: "vd"}); err != nil {
		t.Fatal(err)
	}
	if err := near.SetLinkNetNS(linkT(t, near, "vd").Index, int(ns.Fd())); err != nil {
		t.Fatal(err)
	}
	linkT(t, far, "vd")
	if err := near.DeleteLink(linkT(t, near, "vc").Index); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Link("vd"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("peer of a deleted device: %v", err)
	}
}

func TestSetLink(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	if err := c.SetLinkMTU(va.Index, 9000); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"192.0.2.1/24", "2001:db8::1/64"} {
		if err := c.AddAddr(va.Index, netip.MustParsePrefix(s)); err != nil {
			t.Fatal(err)
		}
		if l, err := net.Listen("tcp", netip.AddrPortFrom(netip.MustParsePrefix(s).Addr(), 0).String()); err != nil {
			t.Error(err)
		} else {
			l.Close()
		}
	}
	if err := c.SetLinkUp(va.Index, false); err != nil {
		t.Fatal(err)
	}
	if l := linkT(t, c, "va"); l.MTU != 9000 || l.Flags.Up() {
		t.Errorf("got %+v", l)
	}
	if err := c.AddAddr(va.Index, netip.MustParsePrefix("192.0.2.1/24")); !errors.Is(err, os.ErrExist) {
		t.Errorf("address that is there: %v", err)
	}
}

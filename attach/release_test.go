package attach_test

import (
	"os"
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
)

// TestOwnedStaysInUse: an array stays when another device runs the program.
func TestOwnedStaysInUse(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("tail_self.o", load.Options{})
	if _, err := xdpload.Attach(b.Conn, l.Program(), b.Other); err != nil {
		t.Fatal(err)
	}
	b.Exit(l)
	b.Detach(b.Hook)
	if len(b.Pins()) != 1 {
		t.Errorf("pinned are %q, want the array of the program on the other device", b.Pins())
	}
	b.Detach(b.Other)
	b.WantPins()
}

// TestOwnedStaysForLink: an array stays when a bpf_link runs the program, here
// in a network namespace where nobody else looks.
func TestOwnedStaysForLink(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("tail_self.o", load.Options{})
	elsewhere := bpftest.NewNamespace(t)
	ifindex, _ := elsewhere.Veth("v0", "v1")
	link := attach.XDP{Ifindex: ifindex, Link: "/sys/fs/bpf/" + elsewhere.Name}
	t.Cleanup(func() { os.Remove(link.Link) })
	if _, err := attachIn(elsewhere, l.Program(), link); err != nil {
		t.Fatal(err)
	}
	b.Exit(l)
	b.Detach(b.Hook)
	if len(b.Pins()) != 1 {
		t.Errorf("pinned are %q, want the array of the program that the link runs", b.Pins())
	}
}

package attach_test

import (
	"os"
	"testing"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// TestOwnedStaysInUse: an array stays when another device runs the program.
func TestOwnedStaysInUse(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("tail_self.o", load.Options{})
	if _, err := lab.Attach(t, b.Conn, l.Program(), attach.Plan{Hook: b.Other}); err != nil {
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

// TestOwnedOfOthers: taking off also lets go of the array of a program that someone
// else took off, even where there is nothing left to take off.
func TestOwnedOfOthers(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("tailbtf.o", load.Options{Select: elf.Selector{Section: "xdp"}})
	owner := l.Program().Owner()
	b.Exit(l)
	if err := b.Conn.SetXDP(b.Hook.Ifindex, netlink.XDP{FD: -1}); err != nil {
		t.Fatal(err)
	}
	for alive := true; alive; {
		var err error
		if alive, err = owner.Alive(); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.Pins()) != 1 {
		t.Fatalf("pinned are %q, want the array of the program", b.Pins())
	}
	_, err := attach.Apply(t.Context(), b.Conn, []attach.Plan{{Hook: b.Hook}}, attach.Options{Root: b.Root})
	if err != nil {
		t.Error(err)
	}
	b.WantPins()
}

// TestOwnedStaysForLink: an array stays when a bpf_link runs the program, here
// in a network namespace where nobody else looks.
func TestOwnedStaysForLink(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("tail_self.o", load.Options{})
	elsewhere := bpftest.NewNamespace(t)
	ifindex, _ := elsewhere.Veth("v0", "v1")
	link := attach.Plan{Hook: attach.XDP{Ifindex: ifindex}, Link: "/sys/fs/bpf/" + elsewhere.Name}
	t.Cleanup(func() { os.Remove(link.Link) })
	if _, err := attachIn(t, elsewhere, l.Program(), link); err != nil {
		t.Fatal(err)
	}
	b.Exit(l)
	b.Detach(b.Hook)
	if len(b.Pins()) != 1 {
		t.Errorf("pinned are %q, want the array of the program that the link runs", b.Pins())
	}
}

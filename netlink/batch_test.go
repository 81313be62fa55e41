package netlink

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
)

func TestSetXDPsKernel(t *testing.T) {
	c := inNetNS(t)
	const pairs = 70 // 140 devices, more than one batch
	var ifindexes []int
	for i := range pairs {
		if err := c.AddVeth(Veth{Name: fmt.Sprint("va", i), Peer: fmt.Sprint("vb", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for l, err := range c.Links() {
		if err != nil {
			t.Fatal(err)
		}
		if l.Kind == "veth" {
			ifindexes = append(ifindexes, l.Index)
		}
	}
	const absent, bad = 4711, 130
	ifindexes[3], ifindexes[bad] = absent, absent+1
	fd, id := program(t, ebpf.XDP, 2)
	for i, err := range c.SetXDPs(ifindexes, XDP{FD: fd, NoReplace: true}) {
		if i != 3 && i != bad {
			if err != nil {
				t.Errorf("device %d: %v", i, err)
			}
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Ifindex != ifindexes[i] || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("absent device: %v", err)
		}
	}
	n := 0
	for l, err := range c.Links() {
		if err != nil {
			t.Fatal(err)
		}
		if l.XDP.Attached() && l.XDP.Programs[0] == (XDPProgram{XDPNative, id}) {
			n++
		}
	}
	if n != 2*pairs-2 {
		t.Errorf("%d devices have the program, want %d", n, 2*pairs-2)
	}
	for i, err := range c.SetXDPs(ifindexes[:3], XDP{FD: fd, NoReplace: true}) {
		checkError(t, fmt.Sprint(i), err, os.ErrExist, syscall.EBUSY, "XDP program already attached")
	}
}

func TestSetXDPsFailures(t *testing.T) {
	c := fake(t, func([]netlink.Message) ([]netlink.Message, error) { return nil, errors.New("broken") })
	for name, x := range map[string]XDP{"socket": {FD: 7}, "request": {FD: 7, Mode: XDPMulti}} {
		errs := c.SetXDPs([]int{3, 4}, x)
		for i, err := range errs {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Ifindex != i+3 || e.Op != opAttachXDP {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if len(errs) != 2 {
			t.Errorf("%s: %d errors", name, len(errs))
		}
	}
	if errs := c.SetXDPs(nil, XDP{}); len(errs) != 0 {
		t.Errorf("no devices: got %v", errs)
	}
}

func BenchmarkKernelSetXDPs(b *testing.B) {
	c := inNetNS(b)
	var ifindexes []int
	for i := range 50 {
		if err := c.AddVeth(Veth{Name: fmt.Sprint("va", i), Peer: fmt.Sprint("vb", i)}); err != nil {
			b.Fatal(err)
		}
		ifindexes = append(ifindexes, linkT(b, c, fmt.Sprint("va", i)).Index)
	}
	fd, _ := program(b, ebpf.XDP, 2)
	b.Run("together", func(b *testing.B) {
		for b.Loop() {
			if err := errors.Join(c.SetXDPs(ifindexes, XDP{FD: fd})...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one-by-one", func(b *testing.B) {
		for b.Loop() {
			for _, i := range ifindexes {
				if err := c.SetXDP(i, XDP{FD: fd}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

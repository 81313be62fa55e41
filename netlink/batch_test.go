package netlink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"

	"github.com/xdpload/xdpload/internal/testdev"
)

func TestSetXDPsKernel(t *testing.T) {
	c := inNetNS(t)
	const pairs = 70 // 140 devices, more than one batch
	var ifindexes []int
	for i := range pairs {
		if err := testdev.AddVeth(fmt.Sprint("va", i), fmt.Sprint("vb", i)); err != nil {
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
	for i, err := range c.SetXDPs(t.Context(), onAll(ifindexes, XDP{FD: fd, NoReplace: true})) {
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
	alone, err := c.LinkXDPs()
	if err != nil {
		t.Fatal(err)
	}
	for l, err := range c.Links() {
		if err != nil {
			t.Fatal(err)
		}
		if l.XDP.Attached() && l.XDP.Programs[0] == (XDPProgram{XDPNative, id}) {
			n++
		}
		if diff := cmp.Diff(l.XDP, alone[l.Index]); diff != "" {
			t.Errorf("%s: -Links +LinkXDPs:\n%s", l.Name, diff)
		}
	}
	if n != 2*pairs-2 {
		t.Errorf("%d devices have the program, want %d", n, 2*pairs-2)
	}
	for i, err := range c.SetXDPs(t.Context(), onAll(ifindexes[:3], XDP{FD: fd, NoReplace: true})) {
		checkError(t, fmt.Sprint(i), err, os.ErrExist, syscall.EBUSY, "XDP program already attached")
	}
}

// TestSetXDPsEach: each device has its own request, one that cannot be sent is
// alone in that, and what is left when the context ends is not begun.
func TestSetXDPsEach(t *testing.T) {
	c := inNetNS(t)
	if err := testdev.AddVeth("va", "vb"); err != nil {
		t.Fatal(err)
	}
	a, b := linkT(t, c, "va").Index, linkT(t, c, "vb").Index
	fd, id := program(t, ebpf.XDP, 2)
	errs := c.SetXDPs(t.Context(), []DeviceXDP{
		{a, XDP{FD: fd, Mode: XDPGeneric}}, {b, XDP{FD: fd, Mode: XDPMulti}}, {b, XDP{FD: fd}},
	})
	if len(errs) != 3 || errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Fatalf("got %v", errs)
	}
	for _, tt := range []struct {
		device string
		mode   XDPMode
	}{{"va", XDPGeneric}, {"vb", XDPNative}} {
		if got := linkT(t, c, tt.device).XDP.Programs; !slices.Equal(got, []XDPProgram{{tt.mode, id}}) {
			t.Errorf("%s runs %v", tt.device, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.SetXDPs(ctx, []DeviceXDP{{a, XDP{FD: -1, Mode: XDPGeneric}}, {b, XDP{FD: -1}}}) {
		if e, ok := errors.AsType[*Error](err); !ok || e.Op != opDetachXDP || !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: got %v", err)
		}
	}
	if !linkT(t, c, "va").XDP.Attached() || !linkT(t, c, "vb").XDP.Attached() {
		t.Error("a detach was begun after the context ended")
	}
}

// onAll is the same for every device.
func onAll(ifindexes []int, x XDP) (all []DeviceXDP) {
	for _, i := range ifindexes {
		all = append(all, DeviceXDP{i, x})
	}
	return all
}

// refused are requests to attach a program to devices that are not there, all of
// which the kernel refuses.
func refused(t *testing.T, n int) []DeviceXDP {
	t.Helper()
	fd, _ := program(t, ebpf.XDP, 2)
	absent := make([]int, n)
	for i := range absent {
		absent[i] = 4711 + i
	}
	return onAll(absent, XDP{FD: fd})
}

// TestSetXDPsRefused: as many refusals as there are devices do not overflow the
// socket.
func TestSetXDPsRefused(t *testing.T) {
	c := inNetNS(t)
	for i, err := range c.SetXDPs(t.Context(), refused(t, 1000)) {
		if !errors.Is(err, syscall.ENODEV) {
			t.Fatalf("device %d: %v", i, err)
		}
	}
}

// TestOverflow: a socket whose buffer was full answers the next request.
func TestOverflow(t *testing.T) {
	c := inNetNS(t)
	errs := c.setXDPs(t.Context(), refused(t, 4000))
	if last := errs[len(errs)-1]; !errors.Is(last, syscall.ENOBUFS) {
		t.Fatalf("the last of %d requests at once: %v", len(errs), last)
	}
	if l, err := c.LinkByIndex(1); err != nil || l.Name != "lo" {
		t.Errorf("the device with index 1: %+v, %v", l, err)
	}
}

func TestSetXDPsFailures(t *testing.T) {
	c := fake(t, func([]netlink.Message) ([]netlink.Message, error) { return nil, errors.New("broken") })
	for name, x := range map[string]XDP{"socket": {FD: 7}, "request": {FD: 7, Mode: XDPMulti}} {
		errs := c.SetXDPs(t.Context(), onAll([]int{3, 4}, x))
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
	if errs := c.SetXDPs(t.Context(), nil); len(errs) != 0 {
		t.Errorf("no devices: got %v", errs)
	}
}

// TestSetXDPsWarnings: each request may have a warning of its own.
func TestSetXDPsWarnings(t *testing.T) {
	c := fake(t, func(requests []netlink.Message) (answers []netlink.Message, err error) {
		for _, r := range requests {
			if r.Header.Flags&netlink.Acknowledge != 0 {
				answers = append(answers, ack(r, 0, "not offloaded"))
			}
		}
		return answers, nil
	})
	var got []Warning
	c.config.Warn = func(w Warning) { got = append(got, w) }
	if err := errors.Join(c.SetXDPs(t.Context(), onAll([]int{3, 4}, XDP{FD: -1}))...); err != nil {
		t.Fatal(err)
	}
	want := []Warning{
		{Op: "detach xdp", Ifindex: 3, Message: "not offloaded"},
		{Op: "detach xdp", Ifindex: 4, Message: "not offloaded"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func BenchmarkKernelSetXDPs(b *testing.B) {
	c := inNetNS(b)
	var ifindexes []int
	for i := range 50 {
		if err := testdev.AddVeth(fmt.Sprint("va", i), fmt.Sprint("vb", i)); err != nil {
			b.Fatal(err)
		}
		ifindexes = append(ifindexes, linkT(b, c, fmt.Sprint("va", i)).Index)
	}
	fd, _ := program(b, ebpf.XDP, 2)
	b.Run("together", func(b *testing.B) {
		for b.Loop() {
			if err := errors.Join(c.SetXDPs(b.Context(), onAll(ifindexes, XDP{FD: fd}))...); err != nil {
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

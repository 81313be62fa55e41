package load_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/offload"
)

// Devices without offload, and what no device takes.
func TestLoadForDevice(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	for _, tt := range []struct {
		name, object string
		options      load.Options
		want         string
		is           error
	}{
		{name: "no offload", object: "tiny.o", options: load.Options{Ifindex: v0}, want: "has no BPF offload", is: unix.EINVAL},
		{name: "no device", object: "tiny.o", options: load.Options{Ifindex: 4000}, is: unix.EINVAL},
		{name: "map", object: "card.o", options: load.Options{Ifindex: v0, Select: elf.Selector{Section: "xdp"}}, want: "has no BPF offload", is: unix.EINVAL},
		{name: "globals", object: "card.o", options: load.Options{Ifindex: v0, Select: elf.Selector{Section: "xdp/global"}}, want: "map .bss: global variables"},
		{name: "bound tc", object: "tc.o", options: load.Options{Ifindex: v0, BoundOnly: true, Select: elf.Selector{Type: ebpf.SchedCLS}}, want: "only XDP programs can be bound"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			obj, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(tt.object)), tt.object)
			if err != nil {
				t.Fatal(err)
			}
			if tt.options.Select.Type == ebpf.UnspecifiedProgram {
				tt.options.Select.Type = ebpf.XDP
			}
			ns.Do(func() error {
				l, err := load.Load(t.Context(), obj, tt.options)
				if err == nil {
					l.Close()
					t.Error("it was loaded")
					return nil
				}
				if !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("error: %v", err)
				}
				if _, ok := errors.AsType[*offload.Finding](err); ok != (tt.name == "globals") {
					t.Errorf("a finding: %t", ok)
				}
				return nil
			})
		})
	}
}

// A program that is bound only is loaded for its device, with maps in the kernel.
func TestLoadBoundOnly(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.DeviceBound)
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	obj, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("rxhash.o")), "rxhash.o")
	if err != nil {
		t.Fatal(err)
	}
	c := ns.Conn()
	ns.Do(func() error {
		l, err := load.Load(t.Context(), obj, load.Options{Ifindex: v0, BoundOnly: true})
		if err != nil {
			return err
		}
		defer l.Close()
		if _, err := lab.Attach(t, c, l.Program(), attach.Plan{Hook: attach.XDP{Ifindex: v1}}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("attached to another device: %v", err)
		}
		if _, err := lab.Attach(t, c, l.Program(), attach.Plan{Hook: attach.XDP{Ifindex: v0}}); err != nil {
			t.Error(err)
		}
		if b, err := offload.BindingOfMap(l.Maps[0].FD()); b != nil || err != nil {
			t.Errorf("the map is on %v, error %v", b, err)
		}
		return nil
	})
}

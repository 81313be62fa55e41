package xdpload

import (
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// TestCommitFails: when the last step fails, the hook has again what it had, and
// no slot and no pin has changed.
func TestCommitFails(t *testing.T) {
	xdp := func(index int) Hook { return XDP{Ifindex: index, Replace: true} }
	clsact := func(index int) Hook {
		return Clsact{Op: FilterReplace, Filter: netlink.Filter{
			Ifindex: index, Parent: netlink.Ingress, BPF: &netlink.BPFFilter{Name: "test", Direct: true},
		}}
	}
	tcx := func(index int) Hook { return TCX{Ifindex: index} }
	for _, tt := range []struct {
		name    string
		object  string
		hook    func(int) Hook
		replace bool // a program of the same object is on the hook before
		need    []bpftest.Feature
	}{
		{"XDP, replacing", "live_tx.o", xdp, true, nil},
		{"XDP, first", "live_tx.o", xdp, false, nil},
		{"clsact, replacing", "live_tc.o", clsact, true, nil},
		{"clsact, first", "live_tc.o", clsact, false, nil},
		{"tcx, first", "live_tc.o", tcx, false, []bpftest.Feature{bpftest.TCX}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			ns := bpftest.NewNamespace(t)
			v0, v1 := ns.Veth("v0", "v1")
			c := ns.Conn()
			root := pin.DefaultRoot + "/" + ns.Name
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(root) })
			obj, err := elf.Open(testobj.Path(t, tt.object))
			if err != nil {
				t.Fatal(err)
			}
			hook, other := tt.hook(v0), tt.hook(v1)
			if tt.replace {
				other = hook
			}
			options := LoadOptions{Select: elf.Selector{Type: hook.ProgramType()}, Pins: PinOptions{Root: root}}
			var first *Loaded
			ns.Do(func() (err error) {
				first, _, err = Install(t.Context(), c, obj, options, other)
				return err
			})
			defer first.Close()
			before := running(ns, c, v0)

			options.Pins.Program = root + "/prog"
			options.Loaded = func(*Loaded) error { return first.Maps[0].Freeze() }
			var failed error
			ns.Do(func() error {
				_, _, failed = Install(t.Context(), c, obj, options, hook)
				return nil
			})
			if failed == nil || !strings.HasPrefix(failed.Error(), "map jmp: set element 0: ") || strings.Contains(failed.Error(), "\n") {
				t.Errorf("got %v", failed)
			}
			if _, err := os.Lstat(root + "/prog"); err == nil {
				t.Error("the program is pinned")
			}
			if diff := cmp.Diff(before, running(ns, c, v0)); diff != "" {
				t.Errorf("the device runs other programs:\n%s", diff)
			}
		})
	}
}

// running are the ids of the programs that a device runs.
func running(ns *bpftest.Namespace, c *netlink.Conn, ifindex int) (ids []uint32) {
	ns.Do(func() error {
		for a, err := range Attachments(c, ifindex) {
			if err != nil {
				return err
			}
			ids = append(ids, a.Program.ID)
		}
		return nil
	})
	return ids
}

// TestLiveSlots: when a later slot cannot be set, the earlier ones are as they
// were.
func TestLiveSlots(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	array := func() *ebpf.Map {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	program := func() *ebpf.Program {
		obj, err := elf.Open(testobj.Path(t, "tiny.o"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := Load(t.Context(), obj, LoadOptions{Select: elf.Selector{Type: ebpf.XDP}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Program().prog
	}
	id := func(m *ebpf.Map, key uint32) (id uint32) {
		if err := m.Lookup(key, &id); err != nil {
			return 0
		}
		return id
	}
	good, frozen, old, next := array(), array(), program(), program()
	if err := good.Put(uint32(0), old); err != nil {
		t.Fatal(err)
	}
	if err := frozen.Freeze(); err != nil {
		t.Fatal(err)
	}
	before := id(good, 0)
	slots := liveSlots{{"good", good, 0, next}, {"good", good, 1, next}, {"frozen", frozen, 0, next}}
	if err := slots.write(); err == nil || !strings.HasPrefix(err.Error(), "map frozen: set element 0: ") {
		t.Errorf("got %v", err)
	}
	if id(good, 0) != before || id(good, 1) != 0 {
		t.Errorf("slots are %d and %d, were %d and none", id(good, 0), id(good, 1), before)
	}
	if err := slots[:2].write(); err != nil {
		t.Fatal(err)
	}
	if id(good, 0) == before || id(good, 0) != id(good, 1) {
		t.Errorf("slots are %d and %d", id(good, 0), id(good, 1))
	}
}

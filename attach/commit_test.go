package attach_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// TestCommitFails: when the last step fails, the hook has again what it had, and
// no slot and no pin has changed.
func TestCommitFails(t *testing.T) {
	xdp := func(index int) attach.Hook { return attach.XDP{Ifindex: index, Replace: true} }
	clsact := func(index int) attach.Hook {
		return attach.Clsact{Op: attach.FilterReplace, Filter: netlink.Filter{
			Ifindex: index, Parent: netlink.Ingress, BPF: &netlink.BPFFilter{Name: "test", Direct: true},
		}}
	}
	tcx := func(index int) attach.Hook { return attach.TCX{Ifindex: index} }
	for _, tt := range []struct {
		name    string
		object  string
		hook    func(int) attach.Hook
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
			obj := lab.Object(t, tt.object)
			hook, other := tt.hook(v0), tt.hook(v1)
			if tt.replace {
				other = hook
			}
			options := load.Options{Select: elf.Selector{Type: hook.ProgramType()}, Pins: load.PinOptions{Root: root}}
			var first *load.Loaded
			ns.Do(func() (err error) {
				first, _, err = xdpload.Install(t.Context(), c, obj, options, other)
				return err
			})
			defer first.Close()
			before := running(ns, c, v0)

			options.Pins.Program = root + "/prog"
			options.Loaded = func(*load.Loaded) error { return first.Maps[0].Freeze() }
			var failed error
			ns.Do(func() error {
				_, _, failed = xdpload.Install(t.Context(), c, obj, options, hook)
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
		for a, err := range attach.Attachments(c, ifindex) {
			if err != nil {
				return err
			}
			ids = append(ids, a.Program.ID)
		}
		return nil
	})
	return ids
}

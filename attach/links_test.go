package attach_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestLinkUpdateCompared: when someone else puts a program into a link just
// before an update, that program is what the update reports as replaced.
func TestLinkUpdateCompared(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	xdp := func(t *testing.T, _ int) *prog.Program { return lab.Load(t, "tiny.o", elf.Selector{}).Program() }
	tc := func(t *testing.T, i int) *prog.Program {
		return newTrail(t).program(fmt.Sprint("p", i), int32(i), next)
	}
	for _, tt := range []struct {
		name    string
		need    []bpftest.Feature
		program func(t *testing.T, i int) *prog.Program
		hooks   func(ifindex int, path string) (create, update attach.Hook)
	}{
		{"xdp", nil, xdp, func(ifindex int, path string) (create, update attach.Hook) {
			h := attach.XDP{Ifindex: ifindex, Link: path, Replace: true}
			return h, h
		}},
		{"tcx", []bpftest.Feature{bpftest.TCX}, tc, func(ifindex int, path string) (create, update attach.Hook) {
			h := attach.TCX{Ifindex: ifindex, Order: attach.Order{Link: path, Update: true}}
			return h, h
		}},
		{"tcx, by its place", []bpftest.Feature{bpftest.TCX}, tc, func(ifindex int, path string) (create, update attach.Hook) {
			return attach.TCX{Ifindex: ifindex, Order: attach.Order{Link: path}},
				attach.TCX{Ifindex: ifindex, Order: attach.Order{Anchor: attach.Replace(attach.PinnedAt(path))}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			ns := bpftest.NewNamespace(t)
			ifindex, _ := ns.Veth("v0", "v1")
			path := "/sys/fs/bpf/" + ns.Name
			t.Cleanup(func() { os.Remove(path) })
			create, update := tt.hooks(ifindex, path)
			ours, theirs := tt.program(t, 1), tt.program(t, 2)
			if _, err := attachIn(ns, tt.program(t, 0), create); err != nil {
				t.Fatal(err)
			}
			link, _, err := sys.OpenPinned(path)
			if err != nil {
				t.Fatal(err)
			}
			defer sys.Close(link)
			var a *attach.Attachment
			overtake := func() error { return sys.UpdateLink(link, theirs.FD(), 0) }
			ns.NetlinkOvertaken(unix.BPF_LINK_UPDATE, overtake, func(c *netlink.Conn) error {
				a, err = xdpload.Attach(c, ours, update)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			info, err := sys.InfoOfLink(link)
			if err != nil {
				t.Fatal(err)
			}
			if info.Program != ours.ID || a.Replaced.ID != theirs.ID {
				t.Errorf("program %d is in the place of %d, said to be that of %d", info.Program, theirs.ID, a.Replaced.ID)
			}
		})
	}
}

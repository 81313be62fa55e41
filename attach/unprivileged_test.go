package attach_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

// TestDetachWithoutAdmin: who may not open programs by their ids takes off the one that is
// asked for, also when others change the hook just before.
func TestDetachWithoutAdmin(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for _, tt := range []struct {
		name string
		off  int // of one, two, three
		want []string
	}{
		{"first", 0, []string{"tcx/ingress faster", "tcx/ingress two", "tcx/ingress three"}},
		{"middle", 1, []string{"tcx/ingress faster", "tcx/ingress one", "tcx/ingress three"}},
		{"last", 2, []string{"tcx/ingress faster", "tcx/ingress one", "tcx/ingress two"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, _ := ns.Veth("v0", "v1")
			trail := newTrail(t)
			var ids []uint32
			for i, name := range []string{"one", "two", "three"} {
				p := trail.program(name, int32(i+1), next)
				ids = append(ids, p.ID)
				if _, err := attachIn(t, ns, p, attach.Plan{Hook: attach.TCX{Ifindex: v0}}); err != nil {
					t.Fatal(err)
				}
			}
			overtake := func() error {
				first := attach.TCX{Ifindex: v0, Order: attach.Order{Anchor: attach.First()}}
				_, err := attachIn(t, ns, trail.program("faster", 4, next), attach.Plan{Hook: first})
				return err
			}
			hook := attach.TCX{Ifindex: v0, Order: attach.Order{Which: attach.ProgramID(ids[tt.off])}}
			ns.NetlinkOvertaken(unix.BPF_PROG_DETACH, overtake, func(c *netlink.Conn) error {
				if err := bpftest.WithoutAdmin(); err != nil {
					return err
				}
				gone, err := xdpload.Detach(t.Context(), c, hook)
				if err == nil && gone.Program.ID != ids[tt.off] {
					t.Errorf("detached %v, want id %d", gone.Program, ids[tt.off])
				}
				return err
			})
			if got := on(t, ns, v0); !slices.Equal(got, tt.want) {
				t.Errorf("on the hook: %q, want %q", got, tt.want)
			}
		})
	}
}

// TestNamesWithoutAdmin: a name that cannot be looked up is not one that nothing has, and of
// several programs it chooses none.
func TestNamesWithoutAdmin(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	if _, err := attachIn(t, ns, newTrail(t).program("one", 1, next), attach.Plan{Hook: attach.TCX{Ifindex: v0}}); err != nil {
		t.Fatal(err)
	}
	var err error
	ns.NetlinkStopped(unix.BPF_PROG_GET_FD_BY_ID, func(int) unix.Errno { return 0 }, func(c *netlink.Conn) error {
		if err := bpftest.WithoutAdmin(); err != nil {
			return err
		}
		_, err = xdpload.Detach(t.Context(), c, attach.TCX{Ifindex: v0, Order: attach.Order{Which: attach.ProgramName("one")}})
		return nil
	})
	refused, ok := errors.AsType[*attach.AnchorError](err)
	if !ok || !refused.Hidden || errors.Is(err, os.ErrNotExist) {
		t.Errorf("detach by name: %v", err)
	}
}

package attach_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestRevisionCompared: what is to be done at a revision is refused when someone
// else changes the hook just before.
func TestRevisionCompared(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for _, tt := range []struct {
		name    string
		command uint32
		do      func(c *netlink.Conn, h attach.TCX, there, other *prog.Program) error
	}{
		{"attach", unix.BPF_PROG_ATTACH, func(c *netlink.Conn, h attach.TCX, _, other *prog.Program) error {
			_, err := lab.Attach(t, c, other, attach.Plan{Hook: h})
			return err
		}},
		{"replace", unix.BPF_PROG_ATTACH, func(c *netlink.Conn, h attach.TCX, there, other *prog.Program) error {
			h.Anchor = attach.Replace(attach.ProgramID(there.ID))
			_, err := lab.Attach(t, c, other, attach.Plan{Hook: h})
			return err
		}},
		{"link", unix.BPF_LINK_CREATE, func(c *netlink.Conn, h attach.TCX, _, other *prog.Program) error {
			_, err := lab.Attach(t, c, other, attach.Plan{Hook: h, Link: "/sys/fs/bpf/" + t.Name()})
			return err
		}},
		{"detach", unix.BPF_PROG_DETACH, func(c *netlink.Conn, h attach.TCX, there, _ *prog.Program) error {
			h.Which = attach.ProgramID(there.ID)
			_, err := xdpload.Detach(t.Context(), c, h)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, _ := ns.Veth("v0", "v1")
			trail := newTrail(t)
			there, other := trail.program("there", 1, next), trail.program("other", 2, next)
			hook := attach.TCX{Ifindex: v0}
			a, err := attachIn(t, ns, there, attach.Plan{Hook: hook})
			if err != nil {
				t.Fatal(err)
			}
			overtake := func() error {
				_, err := attachIn(t, ns, trail.program("faster", 3, next), attach.Plan{Hook: hook})
				return err
			}
			at := hook
			at.Revision = a.Multi.Revision
			ns.NetlinkOvertaken(tt.command, overtake, func(c *netlink.Conn) error {
				err = tt.do(c, at, there, other)
				return nil
			})
			if !errors.Is(err, unix.ESTALE) {
				t.Errorf("at a revision that is over: %v", err)
			}
			if got := on(t, ns, v0); len(got) != 2 || got[0] != "tcx/ingress there" || got[1] != "tcx/ingress faster" {
				t.Errorf("on the hook: %q", got)
			}
		})
	}
}

package attach_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestKeep: a program that cannot be opened, to be compared with and put back, is not
// replaced. Only who lacks the privilege, and asks for no undo, does without.
func TestKeep(t *testing.T) {
	for _, tt := range []struct {
		name   string
		errno  unix.Errno
		raced  bool // someone else replaces the program first, and theirs cannot be opened
		atomic bool
		done   bool
	}{
		{name: "too many files", errno: unix.EMFILE},
		{name: "too many files in another try", errno: unix.EMFILE, raced: true},
		{name: "no privilege", errno: unix.EPERM, done: true},
		{name: "no privilege, atomic", errno: unix.EPERM, atomic: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, _ := ns.Veth("v0", "v1")
			program := func(object string) *prog.Program { return lab.Load(t, object, elf.Selector{}).Program() }
			there, other := program("tiny.o"), program("drop.o")
			plan := attach.Plan{Hook: attach.XDP{Ifindex: v0}}
			if _, err := attachIn(t, ns, there, plan); err != nil {
				t.Fatal(err)
			}
			plan.Replace = true
			stop := func(n int) unix.Errno {
				if n > 1 || !tt.raced {
					return tt.errno
				}
				there = program("tiny.o")
				if _, err := attachIn(t, ns, there, plan); err != nil {
					t.Error(err)
				}
				return 0
			}
			var out []attach.Outcome
			ns.NetlinkStopped(unix.BPF_PROG_GET_FD_BY_ID, stop, func(c *netlink.Conn) (err error) {
				plans := []xdpload.Plan{{Source: xdpload.Open(other), Hook: plan.Hook, Replace: true}}
				out, err = xdpload.Apply(t.Context(), c, plans, xdpload.Options{Atomic: tt.atomic})
				return err
			})
			want := there.ID
			if tt.done {
				want = other.ID
			}
			if ids := running(ns, ns.Conn(), v0); len(ids) != 1 || ids[0] != want {
				t.Errorf("the device runs %v, want %d", ids, want)
			}
			switch err := out[0].Err; {
			case !tt.done && !errors.Is(err, tt.errno):
				t.Errorf("refused with %v, want %v", err, tt.errno)
			case tt.done && (err != nil || !out[0].Attachment.Uncompared):
				t.Errorf("replaced with %v, %+v", err, out[0].Attachment)
			}
		})
	}
}

// TestKeepGone: a program that is replaced, and freed, before it can be opened was
// replaced by what is there then.
func TestKeepGone(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	first := lab.Load(t, "tiny.o", elf.Selector{})
	faster, other := lab.Load(t, "tiny.o", elf.Selector{}).Program(), lab.Load(t, "drop.o", elf.Selector{}).Program()
	plan := attach.Plan{Hook: attach.XDP{Ifindex: v0}}
	if _, err := attachIn(t, ns, first.Program(), plan); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil { // the device holds it, and nothing else
		t.Fatal(err)
	}
	plan.Replace = true
	overtake := func() error {
		_, err := attachIn(t, ns, faster, plan)
		return err
	}
	var a *attach.Attachment
	var err error
	ns.NetlinkOvertaken(unix.BPF_PROG_GET_FD_BY_ID, overtake, func(c *netlink.Conn) error {
		a, err = lab.Attach(t, c, other, plan)
		return nil
	})
	if err != nil || a.Replaced == nil || a.Replaced.ID != faster.ID {
		t.Errorf("attached %+v, %v, want in the place of program id %d", a, err, faster.ID)
	}
}

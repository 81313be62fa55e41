package attach_test

import (
	"errors"
	"os"
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// attachIn attaches on a thread that is in the namespace.
func attachIn(t *testing.T, ns *bpftest.Namespace, p *prog.Program, plan attach.Plan) (a *attach.Attachment, err error) {
	ns.Netlink(func(c *netlink.Conn) error {
		a, err = lab.Attach(t, c, p, plan)
		return nil
	})
	return a, err
}

// wantNewLink wants a plan whose link holds nothing any more to make another one in its
// place, if it may replace.
func wantNewLink(t *testing.T, ns *bpftest.Namespace, p *prog.Program, plan attach.Plan, old uint32) {
	t.Helper()
	for _, replace := range []bool{false, true} {
		plan.Replace = replace
		a, err := attachIn(t, ns, p, plan)
		if !replace && !errors.Is(err, os.ErrExist) {
			t.Errorf("without replace: %v", err)
		}
		if replace && (err != nil || a.Link == nil || a.Link.ID == old || a.Program.ID != p.ID) {
			t.Errorf("a severed link is replaced by %+v, %v", a, err)
		}
	}
	l, err := attach.OpenLink(attach.PinnedAt(plan.Link))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.ID == old {
		t.Error("the old link is pinned still")
	}
}

func detachIn(t *testing.T, ns *bpftest.Namespace, h attach.Hook) (a *attach.Attachment, err error) {
	ns.Netlink(func(c *netlink.Conn) error {
		a, err = xdpload.Detach(t.Context(), c, h)
		return nil
	})
	return a, err
}

// on lists what runs on a device, as "HOOK NAME".
func on(t *testing.T, ns *bpftest.Namespace, ifindex int) (all []string) {
	t.Helper()
	ns.Netlink(func(c *netlink.Conn) error {
		for a, err := range attach.Attachments(c, ifindex) {
			if err != nil {
				return err
			}
			all = append(all, a.Hook()+" "+a.Program.Name)
		}
		return nil
	})
	return all
}

// install loads and attaches in a namespace, and closes what was loaded.
func install(t *testing.T, ns *bpftest.Namespace, object string, o load.Options, plan attach.Plan) *attach.Attachment {
	t.Helper()
	var a *attach.Attachment
	ns.Netlink(func(c *netlink.Conn) error {
		l, got, err := lab.Install(t, c, lab.Object(t, object), o, plan)
		if err != nil {
			return err
		}
		a = got
		return l.Close()
	})
	return a
}

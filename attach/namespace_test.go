package attach_test

import (
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

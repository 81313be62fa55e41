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
func attachIn(ns *bpftest.Namespace, p *prog.Program, h attach.Hook) (a *attach.Attachment, err error) {
	ns.Netlink(func(c *netlink.Conn) error {
		a, err = xdpload.Attach(c, p, h)
		return nil
	})
	return a, err
}

func detachIn(ns *bpftest.Namespace, h attach.Hook) (a *attach.Attachment, err error) {
	ns.Netlink(func(c *netlink.Conn) error {
		a, err = xdpload.Detach(c, h)
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
func install(t *testing.T, ns *bpftest.Namespace, object string, o load.Options, h attach.Hook) *attach.Attachment {
	t.Helper()
	o.Select.Type = h.ProgramType()
	var a *attach.Attachment
	ns.Netlink(func(c *netlink.Conn) error {
		l, got, err := xdpload.Install(t.Context(), c, lab.Object(t, object), o, h)
		if err != nil {
			return err
		}
		a = got
		return l.Close()
	})
	return a
}

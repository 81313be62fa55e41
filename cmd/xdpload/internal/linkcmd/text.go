package linkcmd

import (
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// WriteText prints what ip prints, and what we know beside it.
func (r *linkReport) WriteText(t *render.Text, o render.Options) {
	if o.Brief {
		r.writeBrief(t)
		return
	}
	t.Printf("%d: %s: <%s> mtu %d ", r.Ifindex, r.peerName(), strings.Join(r.Flags, ","), r.MTU)
	if r.XDP != nil {
		t.WriteString(attachedWord(netlink.XDPMode(r.XDP.Mode)) + " ")
	}
	t.Fields(r)
	t.WriteByte('\n')
	if r.XDP != nil {
		r.XDP.Write(t)
	}
	if r.Stats != nil {
		r.Stats.Write(t)
	}
}

// peerName is the name with the device below or opposite.
func (r *linkReport) peerName() string {
	switch {
	case r.Link != "":
		return r.Name + "@" + r.Link
	case r.LinkIndex != 0:
		return r.Name + "@if" + strconv.Itoa(r.LinkIndex)
	case r.NetNSID != nil:
		return r.Name + "@NONE"
	}
	return r.Name
}

func (r *linkReport) writeBrief(t *render.Text) {
	t.Printf("%-16s %-14s", r.peerName(), r.State)
	switch {
	case r.foreign: // ip says nothing about XDP here
		t.Printf(" %s <%s> \n", r.Address, strings.Join(r.Flags, ","))
		return
	case r.XDP == nil:
		t.WriteString(" -\n")
		return
	}
	for i, a := range r.XDP.Attached {
		t.If(i > 0, ",")
		t.Printf(" %s %s", netlink.XDPMode(a.Mode), a.Program.Brief())
	}
	t.WriteByte('\n')
}

// attachedWord is the word by which ip shows a mode. Native is the plain one.
func attachedWord(m netlink.XDPMode) string {
	if m == netlink.XDPNative {
		return netlink.XDPAny.Keyword()
	}
	return m.Keyword()
}

func (x *xdpReport) Write(t *render.Text) {
	for _, a := range x.Attached {
		word := netlink.XDPAny.Keyword()
		if netlink.XDPMode(x.Mode) == netlink.XDPMulti {
			word = netlink.XDPMode(a.Mode).Keyword()
		}
		t.Printf("    prog/%s ", word)
		t.Fields(a.Program)
		t.If(a.LinkID != 0, " bpf_link %d", a.LinkID)
		t.WriteString(" \n")
	}
}

package linkcmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

type linkList []*linkReport

// WriteText prints what ip prints, and what we know beside it.
func (l linkList) WriteText(w io.Writer, o render.Options) error {
	var b strings.Builder
	for _, r := range l {
		if o.Brief {
			r.writeBrief(&b)
		} else {
			r.Write(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
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

func (r *linkReport) writeBrief(b *strings.Builder) {
	fmt.Fprintf(b, "%-16s %-14s", r.peerName(), r.State)
	switch {
	case r.foreign: // ip says nothing about XDP here
		fmt.Fprintf(b, " %s <%s> \n", r.Address, strings.Join(r.Flags, ","))
		return
	case r.XDP == nil:
		b.WriteString(" -\n")
		return
	}
	for i, a := range r.XDP.Attached {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, " %s id %d", a.mode, a.Program.ID)
		if a.Program.Name != nil && *a.Program.Name != "" {
			fmt.Fprintf(b, " name %s", *a.Program.Name)
		}
	}
	b.WriteString("\n")
}

func (r *linkReport) Write(b *strings.Builder) {
	fmt.Fprintf(b, "%d: %s: <%s> mtu %d ", r.Ifindex, r.peerName(), strings.Join(r.Flags, ","), r.MTU)
	if r.XDP != nil {
		b.WriteString(attachedWord(r.XDP.mode) + " ")
	}
	if r.Qdisc != "" {
		fmt.Fprintf(b, "qdisc %s ", r.Qdisc)
	}
	if r.Master != "" {
		fmt.Fprintf(b, "master %s ", r.Master)
	}
	fmt.Fprintf(b, "state %s mode %s group %s ", r.State, r.LinkMode, r.Group)
	if r.TxQueue != 0 {
		fmt.Fprintf(b, "qlen %d", r.TxQueue)
	}
	fmt.Fprintf(b, "\n    link/%s", r.Type)
	if r.Address != "" {
		fmt.Fprintf(b, " %s", r.Address)
	}
	if r.Broadcast != "" {
		fmt.Fprintf(b, " brd %s", r.Broadcast)
	}
	if r.NetNSID != nil {
		fmt.Fprintf(b, " link-netnsid %d", *r.NetNSID)
	}
	r.writeDetails(b)
	b.WriteString("\n")
	for _, name := range r.AltNames {
		fmt.Fprintf(b, "    altname %s\n", name)
	}
	if r.XDP != nil {
		r.XDP.Write(b)
	}
	if r.Stats != nil {
		r.Stats.Write(b)
	}
}

func (r *linkReport) writeDetails(b *strings.Builder) {
	d := r.linkDetails
	if d == nil {
		return
	}
	fmt.Fprintf(b, " promiscuity %d allmulti %d minmtu %d maxmtu %d\n   ", d.Promiscuity, d.AllMulti, d.MinMTU, d.MaxMTU)
	if d.Info != nil {
		fmt.Fprintf(b, " %s", d.Info.Kind)
		if d.Info.Netkit != nil {
			b.WriteString(d.Info.Netkit.String())
		}
	}
	fmt.Fprintf(b, " numtxqueues %d numrxqueues %d gso_max_size %d gso_max_segs %d tso_max_size %d tso_max_segs %d gro_max_size %d",
		d.TxQueues, d.RxQueues, d.GSOMaxSize, d.GSOMaxSegs, d.TSOMaxSize, d.TSOMaxSegs, d.GROMaxSize)
}

// attachedWord is the word by which ip shows a mode. Native is the plain one.
func attachedWord(m netlink.XDPMode) string {
	if m == netlink.XDPNative {
		return netlink.XDPAny.Keyword()
	}
	return m.Keyword()
}

func (x *xdpReport) Write(b *strings.Builder) {
	for _, a := range x.Attached {
		word := netlink.XDPAny.Keyword()
		if x.mode == netlink.XDPMulti {
			word = a.mode.Keyword()
		}
		fmt.Fprintf(b, "    prog/%s id %d", word, a.Program.ID)
		a.Program.Write(b)
		if a.LinkID != 0 {
			fmt.Fprintf(b, " bpf_link %d", a.LinkID)
		}
		b.WriteString(" \n")
	}
}

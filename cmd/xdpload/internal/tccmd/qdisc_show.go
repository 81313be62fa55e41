package tccmd

import (
	"context"
	"fmt"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

type qdiscShowRequest struct {
	Device string
	Parent *netlink.Handle
	Handle *netlink.Handle
}

func qdiscShowCommand() env.Command {
	return env.Command{
		Name:        "tc qdisc show|list|lst",
		Options:     "statistics",
		Default:     true,
		Summary:     "show qdiscs",
		Description: "Shows the qdiscs of the network namespace, or of one device, in the form of tc(8). Of kinds other than clsact and ingress only what all kinds share is shown.",
		Examples: []grammar.Example{
			{Line: "xdpload -json tc qdisc show dev eth0 clsact", Help: "whether eth0 has a clsact qdisc, for a script"},
		},
		New: env.New((*qdiscShowRequest).Grammar),
	}
}

func (r *qdiscShowRequest) Grammar() *grammar.Node {
	return grammar.Any(
		grammar.Key("dev", "DEV", grammar.String(&r.Device)).Exact().Completes(grammar.Device).Help("only of this device"),
		grammar.Alt(
			grammar.Choice("root", &r.Parent, netlink.HandleRoot).Exact().Help("only root qdiscs"),
			grammar.Choice("clsact", &r.Parent, netlink.HandleClsact).Exact().Help("only clsact and ingress qdiscs"),
			grammar.Choice("ingress", &r.Parent, netlink.HandleClsact).Exact().Help("only clsact and ingress qdiscs"),
			grammar.Key("parent", "CLASSID", grammar.TextPointer(&r.Parent)).Help("only those below a class"),
		),
		grammar.Key("handle", "HANDLE", grammar.TextPointer(&r.Handle)).Help("only those with this handle"),
	)
}

func (r *qdiscShowRequest) Run(_ context.Context, e *env.Env) (any, error) {
	list, err := r.show(e)
	return list, env.About(r.Device, err)
}

func (r *qdiscShowRequest) show(e *env.Env) (render.List[*qdiscReport], error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, err
	}
	names := deviceNames{conn: conn, foreign: e.Tool.Foreign()}
	if r.Device != "" {
		_, dev, err := e.Link(r.Device)
		if err != nil {
			return nil, err
		}
		names.queried = dev.Index
	}
	var list render.List[*qdiscReport]
	for q, err := range conn.Qdiscs(names.queried) {
		switch {
		case err != nil:
			return nil, err
		case r.Parent != nil && q.Parent != *r.Parent, r.Handle != nil && q.Handle != *r.Handle:
			continue
		}
		list = append(list, reportQdisc(q, names.key(q.Ifindex), e.Statistics))
	}
	return list, nil
}

// deviceNames finds the names of devices, and leaves out that of the device
// which was asked for, as tc does.
type deviceNames struct {
	conn    *netlink.Conn
	queried int
	foreign bool // scripts of tc read them
	known   map[int]string
}

// deviceKey is the name of a device, under the key of ip or that of tc.
type deviceKey struct {
	Ifname string `json:"ifname,omitempty" text:"dev %s "`
	Dev    string `json:"dev,omitempty" text:"dev %s "`
}

// key is empty for the device that was asked for.
func (d *deviceNames) key(ifindex int) deviceKey {
	switch {
	case ifindex == d.queried:
		return deviceKey{}
	case d.foreign:
		return deviceKey{Dev: d.always(ifindex)}
	}
	return deviceKey{Ifname: d.always(ifindex)}
}

// always is the name even of the device that was asked for.
func (d *deviceNames) always(ifindex int) string {
	if name, ok := d.known[ifindex]; ok {
		return name
	}
	if ifindex == 0 {
		return "*" // as tc calls the device that an action had, and that is gone
	}
	if d.known == nil {
		d.known = make(map[int]string)
	}
	name := fmt.Sprintf("if%d", ifindex) // as tc calls one that it cannot find
	if l, err := d.conn.LinkByIndex(ifindex); err == nil {
		name = l.Name
	}
	d.known[ifindex] = name
	return name
}

// qdiscReport has the keys of `tc -json qdisc`.
type qdiscReport struct {
	Deleted bool   `json:"deleted,omitempty" text:"deleted "`
	Kind    string `json:"kind" always:"qdisc %s "`
	Handle  string `json:"handle" always:"%s "`
	deviceKey
	Root         bool     `json:"root,omitempty" text:"root "`
	Parent       string   `json:"parent,omitempty" text:"parent %s "`
	Refs         *uint32  `json:"refcnt,omitempty" text:"refcnt %d "`
	Offloaded    bool     `json:"offloaded,omitempty" text:"offloaded "`
	IngressBlock uint32   `json:"ingress_block,omitempty" text:"ingress_block %d "`
	EgressBlock  uint32   `json:"egress_block,omitempty" text:"egress_block %d "`
	Options      struct{} `json:"options"`
	*statsReport
}

// statsReport is [netlink.Stats] with tc's keys.
type statsReport struct {
	Bytes      uint64 `json:"bytes"`
	Packets    uint64 `json:"packets"`
	Drops      uint32 `json:"drops"`
	Overlimits uint32 `json:"overlimits"`
	Requeues   uint32 `json:"requeues"`
	Backlog    uint32 `json:"backlog"`
	QueueLen   uint32 `json:"qlen"`
}

// Write prints two lines.
func (s *statsReport) Write(t *render.Text, indent string) {
	t.Printf("%sSent %d bytes %d pkt (dropped %d, overlimits %d requeues %d) \n", indent, s.Bytes, s.Packets, s.Drops, s.Overlimits, s.Requeues)
	t.Printf("%sbacklog %v %dp requeues %d\n", indent, byteSize(s.Backlog), s.QueueLen, s.Requeues)
}

func reportQdisc(q *netlink.Qdisc, device deviceKey, stats bool) *qdiscReport {
	r := &qdiscReport{
		Kind: q.Kind, Handle: fmt.Sprintf("%x:", uint32(q.Handle)>>16), deviceKey: device, Root: q.Parent == netlink.HandleRoot,
		Offloaded: q.Offloaded, IngressBlock: q.IngressBlock, EgressBlock: q.EgressBlock,
	}
	if !r.Root && q.Parent != 0 {
		r.Parent = q.Parent.String()
	}
	if q.Refs != 1 {
		r.Refs = &q.Refs
	}
	if stats {
		r.statsReport = (*statsReport)(q.Stats)
	}
	return r
}

// WriteText prints what tc prints.
func (r *qdiscReport) WriteText(t *render.Text, _ render.Options) {
	t.Fields(r)
	t.If(r.Kind == "ingress" && !r.Deleted, "---------------- ")
	t.WriteByte('\n')
	if r.statsReport != nil {
		r.Write(t, " ")
	}
}

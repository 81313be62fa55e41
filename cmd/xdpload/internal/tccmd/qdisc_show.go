package tccmd

import (
	"context"
	"fmt"
	"io"
	"strings"

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
		Default:     true,
		Summary:     "show qdiscs",
		Description: "Shows the qdiscs of the network namespace, or of one device, in the form of tc(8). Of kinds other than clsact and ingress only what all kinds share is shown.",
		Examples: []grammar.Example{
			{Line: "xdpload -json tc qdisc show dev eth0 clsact", Help: "whether eth0 has a clsact qdisc, for a script"},
		},
		New: func() (*grammar.Node, env.Request) {
			r := new(qdiscShowRequest)
			return r.Grammar(), r
		},
	}
}

func (r *qdiscShowRequest) Grammar() *grammar.Node {
	parent := func(name string, h netlink.Handle, help string) *grammar.Node {
		return grammar.Word(name).Exact().Do(func() { r.Parent = &h }).Help(help)
	}
	handle := func(p **netlink.Handle) func(string) error {
		return func(word string) error {
			*p = new(netlink.Handle)
			return (*p).UnmarshalText([]byte(word))
		}
	}
	return grammar.Any(
		grammar.Key("dev", "DEV", grammar.String(&r.Device)).Exact().Completes(grammar.Device).Help("only of this device"),
		grammar.Alt(
			parent("root", netlink.HandleRoot, "only root qdiscs"),
			parent("clsact", netlink.HandleClsact, "only clsact and ingress qdiscs"),
			parent("ingress", netlink.HandleClsact, "only clsact and ingress qdiscs"),
			grammar.Key("parent", "CLASSID", handle(&r.Parent)).Help("only those below a class"),
		),
		grammar.Key("handle", "HANDLE", handle(&r.Handle)).Help("only those with this handle"),
	)
}

func (r *qdiscShowRequest) Run(_ context.Context, e *env.Env) (any, error) {
	list, err := r.show(e)
	if err != nil && r.Device != "" {
		err = &env.LinkError{Device: r.Device, Err: err}
	}
	return list, err
}

func (r *qdiscShowRequest) show(e *env.Env) (render.List[*qdiscReport], error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, err
	}
	names := deviceNames{conn: conn}
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
		list = append(list, reportQdisc(q, names.Name(q.Ifindex), e.Statistics))
	}
	return list, nil
}

// deviceNames finds the names of devices, and leaves out that of the device
// which was asked for, as tc does.
type deviceNames struct {
	conn    *netlink.Conn
	queried int
	known   map[int]string
}

func (d *deviceNames) Name(ifindex int) string {
	if ifindex == d.queried {
		return ""
	}
	return d.always(ifindex)
}

// always is the name even of the device that was asked for.
func (d *deviceNames) always(ifindex int) string {
	if name, ok := d.known[ifindex]; ok {
		return name
	}
	if d.known == nil {
		d.known = make(map[int]string)
	}
	name := fmt.Sprintf("if%d", ifindex) // as tc calls one that is gone
	if l, err := d.conn.LinkByIndex(ifindex); err == nil {
		name = l.Name
	}
	d.known[ifindex] = name
	return name
}

// qdiscReport has the keys of `tc -json qdisc`.
type qdiscReport struct {
	Deleted      bool     `json:"deleted,omitempty"`
	Kind         string   `json:"kind"`
	Handle       string   `json:"handle"`
	Device       string   `json:"dev,omitempty"`
	Root         bool     `json:"root,omitempty"`
	Parent       string   `json:"parent,omitempty"`
	Refs         *uint32  `json:"refcnt,omitempty"`
	Offloaded    bool     `json:"offloaded,omitempty"`
	IngressBlock uint32   `json:"ingress_block,omitempty"`
	EgressBlock  uint32   `json:"egress_block,omitempty"`
	Options      struct{} `json:"options"`
	*statsReport
}

// statsReport has the keys of tc's statistics.
type statsReport struct {
	Bytes      uint64 `json:"bytes"`
	Packets    uint64 `json:"packets"`
	Drops      uint32 `json:"drops"`
	Overlimits uint32 `json:"overlimits"`
	Requeues   uint32 `json:"requeues"`
	Backlog    uint32 `json:"backlog"`
	QueueLen   uint32 `json:"qlen"`
}

func reportStats(s *netlink.Stats) *statsReport {
	if s == nil {
		return nil
	}
	return &statsReport{
		Bytes: s.Bytes, Packets: s.Packets, Drops: s.Drops, Overlimits: s.Overlimits,
		Requeues: s.Requeues, Backlog: s.Backlog, QueueLen: s.QueueLen,
	}
}

func reportQdisc(q *netlink.Qdisc, device string, stats bool) *qdiscReport {
	r := &qdiscReport{
		Kind: q.Kind, Handle: fmt.Sprintf("%x:", uint32(q.Handle)>>16), Device: device,
		Offloaded: q.Offloaded, IngressBlock: q.IngressBlock, EgressBlock: q.EgressBlock,
	}
	if q.Parent == netlink.HandleRoot {
		r.Root = true
	} else if q.Parent != 0 {
		r.Parent = q.Parent.String()
	}
	if q.Refs != 1 {
		r.Refs = &q.Refs
	}
	if stats {
		r.statsReport = reportStats(q.Stats)
	}
	return r
}

// WriteText prints what tc prints.
func (r *qdiscReport) WriteText(w io.Writer, _ render.Options) error {
	var b strings.Builder
	if r.Deleted {
		b.WriteString("deleted ")
	}
	fmt.Fprintf(&b, "qdisc %s %s ", r.Kind, r.Handle)
	if r.Device != "" {
		fmt.Fprintf(&b, "dev %s ", r.Device)
	}
	if r.Root {
		b.WriteString("root ")
	} else if r.Parent != "" {
		fmt.Fprintf(&b, "parent %s ", r.Parent)
	}
	if r.Refs != nil {
		fmt.Fprintf(&b, "refcnt %d ", *r.Refs)
	}
	if r.Offloaded {
		b.WriteString("offloaded ")
	}
	if r.IngressBlock != 0 {
		fmt.Fprintf(&b, "ingress_block %d ", r.IngressBlock)
	}
	if r.EgressBlock != 0 {
		fmt.Fprintf(&b, "egress_block %d ", r.EgressBlock)
	}
	if r.Kind == "ingress" && !r.Deleted {
		b.WriteString("---------------- ")
	}
	b.WriteString("\n")
	if r.statsReport != nil {
		fmt.Fprintf(&b, " Sent %d bytes %d pkt (dropped %d, overlimits %d requeues %d) \n", r.Bytes, r.Packets, r.Drops, r.Overlimits, r.Requeues)
		fmt.Fprintf(&b, " backlog %db %dp requeues %d\n", r.Backlog, r.QueueLen, r.Requeues)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

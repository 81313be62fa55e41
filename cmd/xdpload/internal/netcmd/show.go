package netcmd

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

type netShowRequest struct {
	scope
	Only  string // hooks that begin so
	Stats subject.StatsRequest
}

// Show is the command net show, which lists what a packet meets on each device.
func Show() env.Command {
	return env.Command{
		Name:    "net show|list|lst",
		Options: "details statistics brief all-netns",
		Default: true,
		Summary: "show what a packet meets on each device, in order",
		Description: `Shows the devices that run programs, or one device, with every program in the order in which a packet meets it: on its way in, XDP, tcx ingress and the filters on clsact ingress; on its way out, tcx egress, the filters on clsact egress, and those of its queue, from the root qdisc down. On the primary device of a netkit pair, the programs for what its peer sends come before these, and those for what it sends itself after: they run when the packet leaves the one device for the other.

Of each program it shows the hook; the bpf_link that holds it there, if one does, with the paths at which that is pinned; of a filter chain, pref, handle, direct-action and name; and the program's own id, name, tag and pins. A bpf_link without a pin is held by the processes that have it open, which are then shown; -details shows them for every program and link. -statistics adds how often the program has run.

A plain user sees XDP and filters, and only the ids of programs; that tcx and netkit are left out is said.`,
		Examples: []grammar.Example{
			{Line: "xdpload net show dev eth0", Help: "one device"},
			{Line: "xdpload -brief net show", Help: "one line for each device"},
			{Line: "xdpload -json net show all-netns", Help: "every network namespace, for a script"},
		},
		New: env.New(func(r *netShowRequest) *grammar.Node {
			return grammar.Any(r.deviceGrammar(), r.allGrammar(), r.Stats.Grammar())
		}),
	}
}

func (r *netShowRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	counted, err := r.Stats.Count(ctx, e)
	if err != nil {
		return nil, err
	}
	view := netView{
		details: e.Details, only: r.Only, counted: counted, holders: sync.OnceValue(subject.FindHolders),
		pins: sync.OnceValue(func() subject.Pins { return subject.FindPins(e) }),
	}
	list := render.List[*netDevice]{}
	err = r.each(e, func(conn *netlink.Conn, ns *netns.Namespace) error {
		view.known.Enter()
		some, err := r.devices(conn, &view)
		for _, d := range some {
			d.Netns, d.Inode = nameOf(ns)
		}
		list = append(list, some...)
		return err
	})
	switch hidden := view.known.Hidden(); {
	case err != nil:
	case r.Only != "":
		err = env.About(r.Device, hidden)
	default:
		subject.WarnHidden(e, hidden)
	}
	return list, err
}

// devices shows a named device, and of all those with programs.
func (r *netShowRequest) devices(conn *netlink.Conn, view *netView) (render.List[*netDevice], error) {
	list, ifindex := render.List[*netDevice]{}, 0
	if r.Device != "" {
		l, err := conn.Link(r.Device)
		if err != nil {
			return nil, &env.DeviceError{Name: r.Device, Err: err}
		}
		view.known.AddLink(l)
		list, ifindex = append(list, newNetDevice(l.Index, l.Name)), l.Index
	}
	for a, err := range view.known.Attachments(conn, ifindex) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(a.Hook(), view.only) {
			continue
		}
		if len(list) == 0 || list[len(list)-1].Ifindex != a.Ifindex {
			list = append(list, newNetDevice(a.Ifindex, a.Device))
		}
		d := list[len(list)-1]
		d.Attached = append(d.Attached, view.attached(a))
	}
	return list, nil
}

// netView is what the devices are looked at with.
type netView struct {
	details bool
	only    string
	counted *subject.Counted
	known   attach.Inventory
	pins    func() subject.Pins
	holders func() subject.Holders
}

// netDevice is what a packet meets on a device.
type netDevice struct {
	place
	Attached []netAttached `json:"attached"` // in the order in which a packet meets them
}

// netAttached is a program where it runs. Keys of filters are tc's.
type netAttached struct {
	Hook string `json:"hook" always:"    %-14s"`
	*placeReport
	*chainReport
	FilterName   string                   `json:"bpf_name,omitempty" text:" %s"`
	DirectAction bool                     `json:"direct-action,omitempty" text:" direct-action"`
	Program      *subject.AttachedProgram `json:"prog" text:" %v"`
	Processes    []subject.Process        `json:"processes,omitempty" text:" open in %v"` // that have the program open
	Link         *subject.BPFLink         `json:"bpf_link,omitempty" text:" %v"`
}

// placeReport is a program's place on a hook that runs several.
type placeReport struct {
	Position int    `json:"position" always:" position %d"` // from 0
	Revision uint64 `json:"revision,omitempty" always:" revision %d"`
}

// chainReport is a filter's place.
type chainReport struct {
	Protocol string `json:"protocol,omitempty" always:" protocol %s"`
	Pref     uint16 `json:"pref,omitempty" always:" pref %d"`
	Chain    uint32 `json:"chain" always:" chain %d"`
	Handle   string `json:"handle,omitempty" always:" handle %s"`
}

func newNetDevice(ifindex int, name string) *netDevice {
	return &netDevice{place: place{Ifindex: ifindex, Name: name}, Attached: []netAttached{}}
}

func (v *netView) attached(a *attach.Attachment) netAttached {
	out := netAttached{Hook: a.Hook(), Program: v.Program(&a.Program), Link: subject.ReportLink(a.Link)}
	if m := a.Multi; m != nil {
		out.placeReport = &placeReport{m.Position, m.Revision}
	}
	if f := a.Filter; f != nil {
		out.chainReport = &chainReport{f.Protocol.String(), f.Pref, f.Chain, subject.HandleText(f.Handle)}
		out.FilterName, out.DirectAction = f.BPF.Name, f.BPF.Direct
	}
	if l := out.Link; l != nil {
		l.Pinned = v.pins().Of(pin.Link, l.ID)
		if len(l.Pinned) == 0 || v.details {
			l.Processes = v.holders().Of(pin.Link, l.ID)
		}
	}
	if v.details {
		out.Processes = v.holders().Of(pin.Program, a.Program.ID)
	}
	return out
}

func (v *netView) Program(p *prog.Info) *subject.AttachedProgram {
	r := subject.ShowProgram(p, v.details)
	r.MapIDs, r.Stats, r.Pinned = p.MapIDs, v.counted.Of(p), slices.Clone(v.pins().Of(pin.Program, p.ID))
	return &r
}

// ShowOnly is net show of the hooks whose names begin so.
func ShowOnly(hooks string) (*grammar.Node, env.Request) {
	r := &netShowRequest{Only: hooks}
	return grammar.Any(r.deviceGrammar(), r.Stats.Grammar()), r
}

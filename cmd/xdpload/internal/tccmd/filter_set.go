package tccmd

import (
	"context"
	"os"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// filterSetRequest is a line that adds, changes or replaces a filter.
type filterSetRequest struct {
	*filterRequest
	op netlink.Change
}

func (r *filterSetRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	return subject.ChangeHooks(ctx, e, &r.Devices, r.subject(), r.Prepare)
}

func (r *filterSetRequest) Loads() subject.Loading {
	f := r.Code.Program.Loading(ebpf.SchedCLS, !r.Devices.Several())
	for _, a := range r.Actions {
		f.Barrier = f.Barrier || a.Code.Program.Numbered()
	}
	if r.SkipSW || os.Getenv("TC_BPF_UDS") != "" {
		f.Program = nil
	}
	return f
}

// Simple reports whether the line adds one filter for a program that an earlier
// line has loaded, so that nothing has to be looked for.
func (r *filterSetRequest) Simple(e *env.Env) bool {
	ifindex, known := e.InBatch.Devices[r.Device]
	if !known || r.Devices.Several() || r.op != netlink.Added || r.Block != 0 || len(r.Actions) > 0 || e.Idempotent || os.Getenv("TC_BPF_UDS") != "" {
		return false
	}
	key, sharing := r.Code.Program.ShareKey(e, ebpf.SchedCLS, r.boundTo(ifindex))
	return sharing && subject.Shared(e, key) != nil
}

func (r *filterSetRequest) Prepare(ctx context.Context, e *env.Env) (_ *subject.Change, err error) {
	if err := subject.CheckKeep(r.Keep, r.op != netlink.Added, "say replace"); err != nil {
		return nil, err
	}
	c := &subject.Change{Subject: r.subject(), Several: r.Devices.Several(), List: manyFilters{}}
	var ifindexes []int
	if c.Several {
		c.Subject = r.Devices.String()
		var links []*netlink.Link
		if links, c.Missing, err = r.Devices.Find(e, true); err != nil {
			return nil, err
		}
		for _, l := range links {
			e.Known().AddLink(l)
			ifindexes = append(ifindexes, l.Index)
		}
	} else {
		_, ifindex, err := r.Find(e)
		if err != nil {
			return nil, err
		}
		ifindexes = []int{ifindex}
	}
	if r.Code.Program.Export == "" && r.Code.Program.File != "" {
		r.Code.Program.Export = os.Getenv("TC_BPF_UDS") // as for tc
	}
	options := netlink.BPFFilter{
		Direct: r.Direct, ClassID: r.ClassID, SkipHW: r.SkipHW, SkipSW: r.SkipSW,
	}
	if r.Policed {
		options.Police = &r.Police
	}
	if err := r.describe(e, c, &options, ifindexes[0]); err != nil {
		return nil, err
	}
	if options.Actions, c.Free, err = openActions(ctx, e, r.Actions); err != nil {
		c.Close()
		return nil, err
	}
	for _, ifindex := range ifindexes {
		f, same := r.filter(ifindex), options
		f.BPF = &same
		c.Plans = append(c.Plans, attach.Plan{
			Source: c.Source.Plan(), Hook: attach.Clsact{Filter: f, Change: r.op == netlink.Changed},
			Replace: r.op == netlink.Replaced, Idempotent: e.Idempotent, Keep: subject.PinPath(e, r.Keep),
		})
	}
	c.One = func(o *attach.Outcome) any { return r.outcome(e, c, o) }
	return c, nil
}

// describe reads what the filter runs.
func (r *filterSetRequest) describe(e *env.Env, c *subject.Change, options *netlink.BPFFilter, ifindex int) (err error) {
	p := &r.Code.Program
	if r.Code.Bytecode.given() {
		c.Source = new(subject.Source)
		options.Bytecode, err = r.Code.Bytecode.read(e)
		return err
	}
	p.Alone = c.Several
	if c.Source, err = p.Source(e, ebpf.SchedCLS, r.boundTo(ifindex)); err != nil {
		return err
	}
	if c.Source.Name == "" {
		c.Source.Name, err = filterName(p, e, ebpf.SchedCLS)
	}
	options.Name = c.Source.Name
	return err
}

// boundTo is the device that runs the program itself, 0 for the kernel.
func (r *filterRequest) boundTo(ifindex int) int {
	if r.SkipSW {
		return ifindex
	}
	return 0
}

// filter is the request without what has to be looked up.
func (r *filterRequest) filter(ifindex int) netlink.Filter {
	return netlink.Filter{
		Ifindex: ifindex, Parent: r.parent(), Block: r.Block, Chain: r.chain(),
		Pref: r.Pref, Protocol: r.Protocol, Kind: r.Kind, Handle: orZero(r.Handle),
		BPF: new(netlink.BPFFilter),
	}
}

// filterChange is what became of a filter. It has tc's keys.
type filterChange struct {
	Device       string         `json:"device,omitempty"`
	Ifindex      int            `json:"ifindex,omitempty"`
	Block        uint32         `json:"block,omitempty"`
	Hook         string         `json:"hook,omitempty"` // as net show has it; of a block none, nor of what is gone since
	Change       netlink.Change `json:"change"`         // what it would have been, if unchanged
	Qdisc        string         `json:"qdisc,omitempty"`
	QdiscCreated bool           `json:"qdisc_created,omitempty"`
	filterIdentity
	DirectAction  bool                   `json:"direct-action,omitempty"`
	Program       *subject.ProgramReport `json:"program,omitempty"`
	ProgramReused bool                   `json:"program_reused,omitempty"` // -details: by an earlier line of a batch
	Maps          []subject.MapReport    `json:"maps,omitempty"`
	Replaced      *subject.ProgramReport `json:"replaced,omitempty"`
	Kept          *subject.Kept          `json:"kept,omitempty"`
	Unchanged     bool                   `json:"unchanged,omitempty"` // -idempotent: it was there

	hook string
}

func (*filterChange) Changes() {}

// outcome reports what came of it, or with -echo what the kernel tells all who
// listen.
func (r *filterSetRequest) outcome(e *env.Env, by *subject.Change, o *attach.Outcome) any {
	a := o.Attachment
	if a == nil {
		return nil
	}
	f, line := a.Filter, *r.filterRequest
	if by.Several {
		line.Device = o.Device
	}
	change := r.op
	if change == netlink.Replaced && f.Was == nil {
		change = netlink.Added
	}
	r.advise(e, by, f)
	if e.Echo {
		return newFilterView(e, e.Conn, echoed).event(&netlink.Event{Change: change, Filter: &f.Filter})
	}
	c := &filterChange{
		Device: a.Device, Ifindex: a.Ifindex, Block: f.Block, Change: change,
		Qdisc: f.Qdisc, QdiscCreated: f.QdiscCreated, filterIdentity: identity(&f.Filter), DirectAction: f.BPF.Direct,
		Replaced: subject.ReportProgram(a.Replaced), Unchanged: a.Unchanged, hook: line.Name(),
	}
	switch {
	case f.Block != 0:
	case f.Qdisc != "":
		c.Hook = a.Hook()
	default:
		c.Hook, _ = line.key(e, e.Conn, a.Ifindex)
	}
	if a.Program.ID != 0 {
		c.Program = subject.ReportProgram(&a.Program)
		c.ProgramReused = by.Source.Reused && e.Details
	}
	c.Maps = subject.ReportMaps(by.Source.Maps(), a.Unchanged)
	c.Kept = subject.ReportKept(e, a, func(path string) []string { return restoring(a, path) })
	return c
}

// advise warns of words that are easily forgotten, and without which the filter does
// something else. Who calls tc knows.
func (r *filterSetRequest) advise(e *env.Env, by *subject.Change, f *attach.FilterInfo) {
	if e.Tool.Foreign() || by.Warned {
		return
	}
	by.Warned = true
	clsact := f.Block != 0 || f.Parent == netlink.Ingress || f.Parent == netlink.Egress
	verdict := r.Direct || r.ClassID != 0 || r.Policed || len(r.Actions) > 0
	switch {
	case r.Block == 0 && r.Parent == nil:
		e.Warn("%s: without ingress or egress the filter is on the root qdisc, %v, and sees what goes out to its queue", by.Subject, f.Parent)
	case clsact && !verdict && f.BPF.Bytecode == nil:
		e.Warn("%s: without direct-action (da) the program's return value is a class and no verdict, and no action uses it: every packet passes", r.Name())
	}
}

// WriteText prints one line, and one more for a qdisc that was created.
func (c *filterChange) WriteText(t *render.Text, o render.Options) {
	t.If(c.QdiscCreated, "%s: created clsact qdisc\n", c.Device)
	t.Printf("%s: %s\n", c.hook, c.outcome())
	c.Kept.WriteText(t, o)
}

// outcome says what became of the filter.
func (c *filterChange) outcome() string {
	var t render.Text
	verb := c.Change.String()
	if c.Unchanged {
		verb = "unchanged"
	}
	t.Printf("%s filter ", verb)
	t.Fields(&c.filterIdentity)
	t.If(c.Program != nil, ", program %v", c.Program)
	t.If(c.ProgramReused, " (loaded by an earlier line)")
	t.If(c.Replaced != nil, ", replaced program %v", c.Replaced)
	t.If(c.Kept != nil, ", %v", c.Kept)
	return t.String()
}

// filterRefused is the report on a device that refused.
type filterRefused struct {
	Device string           `json:"device"`
	Error  *subject.Refusal `json:"error"`
}

// manyFilters are reports on the filters of several devices: *filterChange,
// *filtersDeleted and *filterRefused, or with -echo *filterReport.
type manyFilters []any

func (manyFilters) Changes() {}

func (l manyFilters) Add(report any) subject.ManyReport { return append(l, report) }

func (l manyFilters) Refuse(f subject.DeviceFailure, why *subject.Refusal) subject.ManyReport {
	return append(l, &filterRefused{f.Device, why})
}

// WriteText joins what came out alike.
func (l manyFilters) WriteText(t *render.Text, o render.Options) {
	var lines subject.Alike
	var kept []*subject.Kept
	for _, r := range l {
		switch r := r.(type) {
		case *filterChange:
			if r.QdiscCreated {
				lines.Add(r.Device, ": created clsact qdisc")
			}
			lines.Add(r.Device, strings.TrimPrefix(r.hook, r.Device)+": "+r.outcome())
			kept = append(kept, r.Kept)
		case *filtersDeleted:
			lines.Add(r.Device, strings.TrimPrefix(r.hook, r.Device)+": "+r.outcome(o.Brief))
		case render.Texter:
			r.WriteText(t, o)
		}
	}
	lines.WriteText(t, o)
	for _, k := range kept {
		k.WriteText(t, o)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

func (r *filterRequest) runSet(ctx context.Context, e *env) (any, error) {
	switch e.asked {
	case notAsked:
	case canQueue:
		return r.queued(e)
	case whatLoads:
		return r.forecast(), nil
	}
	if r.Devices.several() {
		return e.overMany(ctx, r.Devices, r.setMany)
	}
	report, err := r.set(ctx, e)
	if err != nil {
		return nil, &linkError{Device: r.subject(), Err: err}
	}
	return report, nil
}

// queued says what set would do, if nothing has to be asked or loaded for that.
func (r *filterRequest) queued(e *env) (any, error) {
	ifindex, known := e.found.devices[r.Device]
	if !known || r.Devices.several() || r.op != xdpload.FilterAdd || r.Block != 0 || len(r.Actions) > 0 || e.Idempotent || os.Getenv("TC_BPF_UDS") != "" {
		return nil, errNotQueued
	}
	key, _ := r.Code.Program.shareKey(e, ebpf.SchedCLS, r.boundTo(ifindex))
	shared := e.found.program(key)
	found, there := e.found.hooks[hookKey{ifindex, r.parent()}]
	if shared == nil || !there {
		return nil, errNotQueued
	}
	hook := xdpload.Clsact{Filter: r.filter(ifindex), Op: r.op, Device: r.Device}.FoundLike(found)
	hook.Filter.BPF.Name = shared.name
	return &queuedLine{
		Classification: xdpload.Classification{Program: shared.Program, Hook: hook},
		report:         func(a *xdpload.Attachment) any { return r.attached(e, e.conn, a, shared.again()) },
	}, nil
}

// forecast says what set will load.
func (r *filterRequest) forecast() forecast {
	f := r.Code.Program.forecast(ebpf.SchedCLS, !r.Devices.several())
	for _, a := range r.Actions {
		f.barrier = f.barrier || a.Code.Program.numbered()
	}
	if r.SkipSW || os.Getenv("TC_BPF_UDS") != "" {
		f.program = nil
	}
	return f
}

// set attaches. What can be known without a program is known before one is
// loaded.
func (r *filterRequest) set(ctx context.Context, e *env) (any, error) {
	conn, ifindex, err := r.find(e)
	if err != nil {
		return nil, err
	}
	if r.Code.Program.Export == "" && r.Code.Program.File != "" {
		r.Code.Program.Export = os.Getenv("TC_BPF_UDS") // as for tc
	}
	hook := xdpload.Clsact{Filter: r.filter(ifindex), Op: r.op, Idempotent: e.Idempotent, Device: r.Device}
	key, sharing := r.Code.Program.shareKey(e, ebpf.SchedCLS, r.boundTo(ifindex))
	shared := e.found.program(key)
	if shared != nil {
		hook.Filter.BPF.Name = shared.name
	} else if err := r.describe(e, &hook); err != nil {
		return nil, err
	}
	if hook, err = e.findHook(conn, hook); err != nil {
		return nil, err
	}
	actions, undo, err := openActions(ctx, e, r.Actions)
	defer undo()
	if err != nil {
		return nil, err
	}
	hook.Filter.BPF.Actions = actions
	p, a, err := r.attach(ctx, e, conn, hook, shared)
	if err != nil {
		return nil, err
	}
	if sharing && shared == nil {
		e.share(key, p, hook.Filter.BPF.Name)
	}
	defer p.close() //nolint:errcheck // descriptors of ours only
	return r.attached(e, conn, a, p), nil
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
	f := netlink.Filter{
		Ifindex: ifindex, Parent: r.parent(), Block: r.Block, Chain: r.chain(),
		Pref: r.Pref, Protocol: r.Protocol, Kind: r.Kind,
		BPF: &netlink.BPFFilter{
			Direct: r.Direct, ClassID: r.ClassID, Police: r.Police, SkipHW: r.SkipHW, SkipSW: r.SkipSW,
		},
	}
	if r.Handle != nil {
		f.Handle = *r.Handle
	}
	return f
}

// describe reads what the filter runs.
func (r *filterRequest) describe(e *env, hook *xdpload.Clsact) (err error) {
	options := hook.Filter.BPF
	if r.Code.Bytecode.given() {
		options.Bytecode, err = r.Code.Bytecode.read(e)
		return err
	}
	options.Name, err = r.Code.Program.filterName(e, ebpf.SchedCLS)
	return err
}

// attach is the one place where a filter is set.
func (r *filterRequest) attach(ctx context.Context, e *env, conn *netlink.Conn, hook xdpload.Clsact, shared *sharedProgram) (*loaded, *xdpload.Attachment, error) {
	switch {
	case r.Code.Bytecode.given():
		a, err := xdpload.Attach(conn, nil, hook)
		return &loaded{close: func() error { return nil }}, a, err
	case shared != nil:
		a, err := xdpload.Attach(conn, shared.Program, hook)
		if err != nil {
			return nil, nil, err
		}
		return shared.again(), a, e.release(ctx, conn, a.Replaced)
	}
	return r.Code.Program.attach(ctx, e, conn, hook, r.boundTo(hook.Filter.Ifindex))
}

// filterChange is what became of a filter. It has tc's keys.
type filterChange struct {
	Device        string         `json:"dev,omitempty"`
	Ifindex       int            `json:"ifindex,omitempty"`
	Block         uint32         `json:"block,omitempty"`
	Parent        netlink.Parent `json:"hook"`
	Change        netlink.Change `json:"change"` // what it would have been, if unchanged
	Qdisc         string         `json:"qdisc,omitempty"`
	QdiscCreated  bool           `json:"qdisc_created,omitempty"`
	Protocol      string         `json:"protocol"`
	Pref          uint16         `json:"pref"`
	Kind          string         `json:"kind"`
	Chain         uint32         `json:"chain"`
	Handle        string         `json:"handle"`
	Name          string         `json:"bpf_name,omitempty"`
	DirectAction  bool           `json:"direct-action,omitempty"`
	Program       *programReport `json:"program,omitempty"`
	ProgramReused bool           `json:"program_reused,omitempty"` // -details: by an earlier line of a batch
	Maps          []mapReport    `json:"maps,omitempty"`
	Replaced      *programReport `json:"replaced,omitempty"`
	Unchanged     bool           `json:"unchanged,omitempty"` // -idempotent: it was there

	hook string
}

func (*filterChange) change() {}

// attached reports what came of it, or with -echo what the kernel tells all who
// listen.
func (r *filterRequest) attached(e *env, conn *netlink.Conn, a *xdpload.Attachment, p *loaded) any {
	f := a.Filter
	change := changeOf(r.op, f.Was != nil)
	if e.Echo {
		return newFilterView(e, conn, echoed).event(&netlink.Event{Change: change, Filter: &f.Filter})
	}
	c := &filterChange{
		Device: a.Device, Ifindex: a.Ifindex, Block: f.Block, Parent: f.Parent, Change: change,
		Qdisc: f.Qdisc, QdiscCreated: f.QdiscCreated, Protocol: f.Protocol.String(), Pref: f.Pref, Kind: f.Kind,
		Chain: f.Chain, Handle: handleText(f.Handle), Name: f.BPF.Name, DirectAction: f.BPF.Direct,
		Replaced: reportProgram(a.Replaced), Unchanged: a.Unchanged, hook: r.name(),
	}
	if p.Program != nil {
		c.Program = reportProgram(&a.Program)
		c.ProgramReused = p.reused && e.Details
	}
	c.Maps = reportMaps(p.maps, a.Unchanged)
	return c
}

func changeOf(op xdpload.FilterOp, replaced bool) netlink.Change {
	switch {
	case op == xdpload.FilterChange:
		return netlink.Changed
	case replaced:
		return netlink.Replaced
	}
	return netlink.Added
}

func handleText(h uint32) string { return "0x" + strconv.FormatUint(uint64(h), 16) }

// WriteText prints one line, and one more for a qdisc that was created.
func (c *filterChange) WriteText(w io.Writer, _ render.Options) error {
	created := ""
	if c.QdiscCreated {
		created = c.Device + ": created clsact qdisc\n"
	}
	_, err := fmt.Fprintf(w, "%s%s: %s\n", created, c.hook, c.outcome())
	return err
}

// outcome says what became of the filter.
func (c *filterChange) outcome() string {
	var b strings.Builder
	verb := c.Change.String()
	if c.Unchanged {
		verb = "unchanged"
	}
	fmt.Fprintf(&b, "%s filter protocol %s pref %d chain %d handle %s", verb, c.Protocol, c.Pref, c.Chain, c.Handle)
	if c.Name != "" {
		b.WriteString(" " + render.Line(c.Name))
	}
	if c.Program != nil {
		fmt.Fprintf(&b, ", program %v", c.Program)
	}
	if c.ProgramReused {
		b.WriteString(" (loaded by an earlier line)")
	}
	if c.Replaced != nil {
		fmt.Fprintf(&b, ", replaced program %v", c.Replaced)
	}
	return b.String()
}

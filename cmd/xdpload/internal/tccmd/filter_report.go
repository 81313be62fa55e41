package tccmd

import (
	"encoding/hex"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// filterReport has the keys of `tc -json filter`, and beside them ours. Fields
// that the query names are left out, as tc does.
type filterReport struct {
	changed
	_     struct{} `always:"filter "`
	Block uint32   `json:"block,omitempty" text:"block %d "`
	deviceKey
	Root     bool           `json:"root,omitempty" text:"root "`
	Ingress  bool           `json:"ingress,omitempty" text:"ingress "`
	Egress   bool           `json:"egress,omitempty" text:"egress "`
	Parent   string         `json:"parent,omitempty" text:"parent %s "`
	Protocol string         `json:"protocol,omitempty" text:"protocol %s "`
	Pref     uint16         `json:"pref,omitempty" text:"pref %d "`
	Kind     string         `json:"kind" always:"%s "`
	Chain    *uint32        `json:"chain,omitempty" text:"chain %d "`
	Options  *filterOptions `json:"options,omitempty"`
	*limitStats

	device string // even if the query names it
	filter *netlink.Filter
}

// filterOptions are those of the classifier.
type filterOptions struct {
	Handle   string                   `json:"handle,omitempty" text:"handle %s "`
	ClassID  string                   `json:"flowid,omitempty" text:"flowid %s "`
	Name     string                   `json:"bpf_name,omitempty" text:"%s "`
	Direct   bool                     `json:"direct-action,omitempty" text:"direct-action "`
	SkipHW   bool                     `json:"skip_hw,omitempty" text:"skip_hw "`
	SkipSW   bool                     `json:"skip_sw,omitempty" text:"skip_sw "`
	InHW     bool                     `json:"in_hw,omitempty" text:"in_hw "`
	NotInHW  bool                     `json:"not_in_hw,omitempty" text:"not_in_hw "`
	Bytecode *subject.BytecodeReport  `json:"bytecode,omitempty" text:"bytecode '%v'"`
	Program  *subject.AttachedProgram `json:"prog,omitempty"`
	Tag      string                   `json:"tag,omitempty"` // where the program may not be looked at
	Police   *policeReport            `json:"police,omitempty"`
	Actions  []*actionReport          `json:"actions,omitempty"`
	Unlisted bool                     `json:"unlisted,omitempty" text:"(too long for this kernel to list) "` // the kernel has no message that is long enough for the rest
}

// filterView is what the report on a filter is made with.
type filterView struct {
	programs subject.ProgramView
	devices  deviceNames
	query    netlink.FilterQuery
	stats    bool
	details  bool
}

// echoed is the query of which nothing is left out.
var echoed = netlink.FilterQuery{}

func newFilterView(e *env.Env, conn *netlink.Conn, query netlink.FilterQuery) *filterView {
	return &filterView{
		programs: subject.NewProgramView(e),
		devices:  deviceNames{conn: conn, queried: query.Ifindex, foreign: e.Tool.Foreign()},
		query:    query,
		stats:    e.Statistics,
		details:  e.Details,
	}
}

func (v *filterView) report(f *netlink.Filter) *filterReport {
	r := &filterReport{Kind: f.Kind, filter: f}
	if f.Block != 0 {
		if f.Block != v.query.Block {
			r.Block = f.Block
		}
	} else {
		r.device = v.devices.always(f.Ifindex)
		r.deviceKey = v.devices.key(f.Ifindex)
		r.parent(f.Parent, v.query.Parent)
	}
	if f.Protocol != 0 && f.Protocol != v.query.Protocol {
		r.Protocol = f.Protocol.String()
	}
	if f.Pref != v.query.Pref {
		r.Pref = f.Pref
	}
	if v.query.Chain == nil || f.Chain != *v.query.Chain {
		r.Chain = &f.Chain
	}
	if !f.Head {
		r.Options = v.Options(f)
	}
	if v.stats && f.BPF != nil {
		r.limitStats = reportLimitStats(f.BPF.Stats)
	}
	return r
}

func (r *filterReport) parent(p, queried netlink.Parent) {
	if queried != 0 && p == queried {
		return
	}
	r.Root, r.Ingress, r.Egress = p == netlink.Root, p == netlink.Ingress, p == netlink.Egress
	if !r.Root && !r.Ingress && !r.Egress {
		r.Parent = p.String()
	}
}

func (v *filterView) Options(f *netlink.Filter) *filterOptions {
	o := new(filterOptions)
	if f.Handle != 0 {
		o.Handle = subject.HandleText(f.Handle)
	}
	o.Unlisted = f.Unlisted
	b := f.BPF
	if b == nil {
		return o
	}
	if b.ClassID != 0 {
		o.ClassID = b.ClassID.String()
	}
	o.Name, o.Direct, o.SkipHW, o.SkipSW, o.InHW, o.NotInHW = b.Name, b.Direct, b.SkipHW, b.SkipSW, b.InHW, b.NotInHW
	o.Bytecode = subject.ReportBytecode(b.Bytecode)
	o.Program, o.Tag = v.Program(b.ProgramID, b.Tag)
	o.Police = v.police(b.Police)
	o.Actions = v.actions(1, false, b.Actions)
	return o
}

// Program describes a program, or gives the tag if it may not be looked at.
func (v *filterView) Program(id uint32, tag []byte) (*subject.AttachedProgram, string) {
	if id == 0 {
		return nil, hex.EncodeToString(tag)
	}
	info := v.programs.Program(id)
	if info.Tag == "" {
		return v.programs.Attached(&info), hex.EncodeToString(tag)
	}
	return v.programs.Attached(&info), ""
}

// event is a report on a filter that changed.
func (v *filterView) event(ev *netlink.Event) *filterReport {
	r := v.report(ev.Filter)
	r.changed = changedBy(ev.Change)
	return r
}

// filterReports are filters in the order in which the kernel has them.
type filterReports = render.List[*filterReport]

// WriteText prints what tc prints, and with -brief one line.
func (r *filterReport) WriteText(t *render.Text, o render.Options) {
	switch {
	case !o.Brief:
		t.Fields(r)
		if r.Options != nil {
			r.Options.Write(t)
		}
		t.WriteByte('\n')
		if r.limitStats != nil {
			r.Write(t)
		}
	case !r.filter.Head: // which opens a pref, and is no filter
		r.writeBrief(t)
	}
}

func (o *filterOptions) Write(t *render.Text) {
	t.Fields(o)
	writeTC(o.Program, t, o.Tag)
	if o.Police != nil {
		t.WriteByte('\n')
		o.Police.Write(t)
	}
	writeActions(t, o.Actions)
}

// writeTC prints a program as tc does, and ours beside it.
func writeTC(p *subject.AttachedProgram, t *render.Text, tag string) {
	if p != nil {
		t.Fields(p)
		t.WriteByte(' ')
	}
	t.If(tag != "", "tag %s ", tag)
}

func (r *filterReport) writeBrief(t *render.Text) {
	f, o := r.filter, r.Options
	if f.Block != 0 {
		t.Printf("block %d", f.Block)
	} else {
		t.Printf("%s %s", r.device, f.Parent)
	}
	t.Printf(" pref %d handle %s", f.Pref, subject.HandleText(f.Handle))
	t.If(f.Chain != 0, " chain %d", f.Chain)
	switch {
	case f.Unlisted:
		t.Printf(" %s (too long for this kernel to list)", f.Kind)
	case f.BPF == nil:
		t.Printf(" %s", f.Kind)
	case o.Program == nil:
		t.Printf(" classic BPF, %s", subject.Count(len(f.BPF.Bytecode), "instruction"))
	default:
		t.Printf(" %s %s", o.Name, o.Program.Brief())
	}
	t.WriteByte('\n')
}

package tccmd

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

var errNoParent = errors.New("expected ingress, egress, root or parent CLASSID")

// filterReport has the keys of `tc -json filter`, and beside them ours. Fields
// that the query names are left out, as tc does.
type filterReport struct {
	Added    bool           `json:"added,omitempty"`
	Replaced bool           `json:"replaced,omitempty"`
	Deleted  bool           `json:"deleted,omitempty"`
	Block    uint32         `json:"block,omitempty"`
	Device   string         `json:"dev,omitempty"`
	Root     bool           `json:"root,omitempty"`
	Ingress  bool           `json:"ingress,omitempty"`
	Egress   bool           `json:"egress,omitempty"`
	Parent   string         `json:"parent,omitempty"`
	Protocol string         `json:"protocol,omitempty"`
	Pref     uint16         `json:"pref,omitempty"`
	Kind     string         `json:"kind"`
	Chain    *uint32        `json:"chain,omitempty"`
	Options  *filterOptions `json:"options,omitempty"`

	device string // even if the query names it
	filter *netlink.Filter
}

// filterOptions are those of the classifier.
type filterOptions struct {
	Handle   string                   `json:"handle,omitempty"`
	ClassID  string                   `json:"flowid,omitempty"`
	Name     string                   `json:"bpf_name,omitempty"`
	Direct   bool                     `json:"direct-action,omitempty"`
	SkipHW   bool                     `json:"skip_hw,omitempty"`
	SkipSW   bool                     `json:"skip_sw,omitempty"`
	InHW     bool                     `json:"in_hw,omitempty"`
	NotInHW  bool                     `json:"not_in_hw,omitempty"`
	Bytecode *subject.BytecodeReport  `json:"bytecode,omitempty"`
	Program  *subject.AttachedProgram `json:"prog,omitempty"`
	Tag      string                   `json:"tag,omitempty"` // where the program may not be looked at
	Police   *policeReport            `json:"police,omitempty"`
	Actions  []*actionReport          `json:"actions,omitempty"`
	Unlisted bool                     `json:"unlisted,omitempty"` // the kernel has no message that is long enough for the rest
}

// filterView is what the report on a filter is made with.
type filterView struct {
	programs subject.ProgramView
	devices  deviceNames
	query    netlink.FilterQuery
	stats    bool
}

// echoed is the query of which nothing is left out.
var echoed = netlink.FilterQuery{}

func newFilterView(e *env.Env, conn *netlink.Conn, query netlink.FilterQuery) *filterView {
	return &filterView{
		programs: subject.NewProgramView(e),
		devices:  deviceNames{conn: conn, queried: query.Ifindex},
		query:    query,
		stats:    e.Statistics,
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
		r.Device = v.devices.Name(f.Ifindex)
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
	return r
}

func (r *filterReport) parent(p, queried netlink.Parent) {
	switch {
	case queried != 0 && p == queried:
	case p == netlink.Root:
		r.Root = true
	case p == netlink.Ingress:
		r.Ingress = true
	case p == netlink.Egress:
		r.Egress = true
	default:
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
	o.Police = reportPolice(b.Police)
	o.Actions = v.actions().reports(b.Actions)
	return o
}

func (v *filterView) actions() *actionView {
	return &actionView{devices: &v.devices, stats: v.stats, program: v.Program}
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
	switch ev.Change {
	case netlink.Added:
		r.Added = true
	case netlink.Replaced:
		r.Replaced = true
	case netlink.Deleted:
		r.Deleted = true
	case netlink.Changed:
	}
	return r
}

// filterReports is a list that may be long: encoding/json would read what a
// json.Marshaler writes once more.
type filterReports []*filterReport

// TextSize is generous.
func (l filterReports) TextSize() int { return 256 * len(l) }

// WriteText prints what tc prints, and with -brief one line for each filter.
func (l filterReports) WriteText(w io.Writer, o render.Options) error {
	for _, r := range l {
		if err := r.WriteText(w, o); err != nil {
			return err
		}
	}
	return nil
}

// WriteText prints what tc prints, and with -brief one line.
func (r *filterReport) WriteText(w io.Writer, o render.Options) error {
	b, direct := w.(*bytes.Buffer)
	if !direct {
		b = new(bytes.Buffer)
	}
	if o.Brief {
		r.writeBrief(b)
	} else {
		r.Write(b)
	}
	if direct {
		return nil
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (r *filterReport) Write(b *bytes.Buffer) {
	word := func(show bool, words ...string) {
		if show {
			for _, w := range words {
				b.WriteString(w)
				b.WriteByte(' ')
			}
		}
	}
	word(r.Deleted, "deleted")
	word(r.Replaced, "replaced")
	word(r.Added, "added")
	b.WriteString("filter ")
	word(r.Block != 0, "block", strconv.FormatUint(uint64(r.Block), 10))
	word(r.Device != "", "dev", r.Device)
	word(r.Root, "root")
	word(r.Ingress, "ingress")
	word(r.Egress, "egress")
	word(r.Parent != "", "parent", r.Parent)
	word(r.Protocol != "", "protocol", r.Protocol)
	word(r.Pref != 0, "pref", strconv.FormatUint(uint64(r.Pref), 10))
	word(true, r.Kind)
	if r.Chain != nil {
		word(true, "chain", strconv.FormatUint(uint64(*r.Chain), 10))
	}
	if r.Options != nil {
		r.Options.Write(b)
	}
	b.WriteByte('\n')
}

// unlisted stands for what a filter runs.
const unlisted = "(too long for this kernel to list)"

func (o *filterOptions) Write(b *bytes.Buffer) {
	word := func(text string) {
		b.WriteString(text)
		b.WriteByte(' ')
	}
	if o.Handle != "" {
		word("handle " + o.Handle)
	}
	if o.Unlisted {
		word(unlisted)
	}
	if o.ClassID != "" {
		word("flowid " + o.ClassID)
	}
	if o.Name != "" {
		word(render.Line(o.Name))
	}
	for _, flag := range []struct {
		word string
		set  bool
	}{
		{"direct-action", o.Direct},
		{"skip_hw", o.SkipHW},
		{"skip_sw", o.SkipSW},
		{"in_hw", o.InHW},
		{"not_in_hw", o.NotInHW},
	} {
		if flag.set {
			word(flag.word)
		}
	}
	if o.Bytecode != nil {
		fmt.Fprintf(b, "bytecode '%v'", o.Bytecode)
	}
	writeTC(o.Program, b, o.Tag)
	if o.Police != nil {
		b.WriteString("\n ")
		o.Police.Write(b, o.Police.police.Exceed)
		fmt.Fprintf(b, "\tref %d bind %d", o.Police.police.Refs, o.Police.police.Binds)
	}
	for _, a := range o.Actions {
		b.WriteByte('\n')
		a.Write(b)
	}
}

// writeTC prints a program as tc does, and ours beside it.
func writeTC(p *subject.AttachedProgram, b *bytes.Buffer, tag string) {
	if p != nil {
		b.WriteString("id " + strconv.FormatUint(uint64(p.ID), 10))
		b.Write(p.Append(b.AvailableBuffer()))
		b.WriteByte(' ')
	}
	if tag != "" {
		b.WriteString("tag " + tag + " ")
	}
}

// writeBrief leaves out what opens a pref: it is not a filter.
func (r *filterReport) writeBrief(b *bytes.Buffer) {
	f := r.filter
	if f.Head {
		return
	}
	if f.Block != 0 {
		fmt.Fprintf(b, "block %d", f.Block)
	} else {
		fmt.Fprintf(b, "%s %s", r.device, f.Parent)
	}
	fmt.Fprintf(b, " pref %d handle %s", f.Pref, subject.HandleText(f.Handle))
	if f.Chain != 0 {
		fmt.Fprintf(b, " chain %d", f.Chain)
	}
	o := r.Options
	switch {
	case f.Unlisted:
		fmt.Fprintf(b, " %s %s", f.Kind, unlisted)
	case f.BPF == nil:
		fmt.Fprintf(b, " %s", f.Kind)
	case o.Program == nil:
		fmt.Fprintf(b, " classic BPF, %s", subject.Count(len(f.BPF.Bytecode), "instruction"))
	default:
		fmt.Fprintf(b, " %s id %d", render.Line(o.Name), o.Program.ID)
		if o.Program.Name != nil && *o.Program.Name != "" {
			fmt.Fprintf(b, " name %s", *o.Program.Name)
		}
	}
	b.WriteByte('\n')
}

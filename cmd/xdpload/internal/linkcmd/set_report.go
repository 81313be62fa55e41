package linkcmd

import (
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// linkSetReport is what changed on a device.
type linkSetReport struct {
	Device   string                 `json:"device"`
	Ifindex  int                    `json:"ifindex"`
	Mode     netlink.XDPMode        `json:"mode,omitzero"`
	Program  *subject.ProgramReport `json:"program"`
	Maps     []subject.MapReport    `json:"maps,omitempty"`
	Replaced *subject.ProgramReport `json:"replaced,omitempty"`
	Kept     *subject.Kept          `json:"kept,omitempty"`
	Detached *subject.ProgramReport `json:"detached,omitempty"`
	Stays    []stayingProgram       `json:"stays,omitempty"`
	Link     *subject.BPFLink       `json:"bpf_link,omitempty"`

	Unchanged bool `json:"unchanged,omitempty"`

	Error *subject.Refusal `json:"error,omitempty"` // of one device of several

	off    netlink.XDPMode // where others stay
	absent uint32          // the bpf_link that was to be detached, and holds nothing here
}

// A stayingProgram runs in a mode that was not meant.
type stayingProgram struct {
	Mode netlink.XDPMode `json:"mode"`
	subject.ProgramReport
}

// outcome is the report on one device, which ran these programs before.
func (r *linkSetRequest) outcome(e *env.Env, c *subject.Change, o *attach.Outcome, ran []netlink.XDPProgram) any {
	a := o.Attachment
	report := &linkSetReport{Device: o.Device, Ifindex: o.Ifindex}
	if r.Off && r.LinkID == 0 {
		report.stays(e, r.Mode, ran)
	}
	switch {
	case a == nil && r.Off:
		report.absent = r.LinkID
	case a == nil:
	case r.Off:
		subject.WarnOfMembers(e, o, &a.Program)
		report.Mode, report.Detached = a.Mode, subject.ReportProgram(&a.Program)
		report.Kept = subject.ReportKept(e, a, func(path string) []string {
			return []string{"link", "set", "dev", a.Device, a.Mode.Keyword(), "pinned", path}
		})
	default:
		if a.Replaced != nil && a.Replaced.ID != a.Program.ID {
			subject.WarnOfMembers(e, o, a.Replaced)
		}
		report.Mode, report.Unchanged, report.Link = a.Mode, a.Unchanged, subject.DescribeLink(e, a.Link)
		report.Program, report.Replaced = subject.ReportProgram(&a.Program), subject.ReportProgram(a.Replaced)
		report.Maps = subject.ReportMaps(c.Source.Maps(), a.Unchanged)
		report.Kept = subject.ReportKept(e, a, func(path string) []string { return r.restoring(e, a, path) })
	}
	return report
}

// restoring is the words that put a program back.
func (r *linkSetRequest) restoring(e *env.Env, a *attach.Attachment, path string) []string {
	words := []string{"-force", "link", "set", "dev", a.Device, a.Mode.Keyword(), "pinned", path}
	if r.Link != "" {
		words = append(words, "link", subject.PinPath(e, r.Link))
	}
	return words
}

// stays notes what runs in other modes than the one whose program was to be detached.
func (r *linkSetReport) stays(e *env.Env, mode netlink.XDPMode, ran []netlink.XDPProgram) {
	for _, x := range ran {
		if mode != netlink.XDPAny && x.Mode != mode {
			p := e.Known().Program(x.ID)
			r.off, r.Stays = mode, append(r.Stays, stayingProgram{x.Mode, *subject.ReportProgram(&p)})
		}
	}
}

func (*linkSetReport) Changes() {}

// WriteText prints one line.
func (r *linkSetReport) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%s: %s\n", r.Device, r.outcome())
}

// like reports whether outcome says the same of another device.
func (r *linkSetReport) like(o *linkSetReport) bool {
	return r.Mode == o.Mode && r.Unchanged == o.Unchanged && r.absent == o.absent && r.Link == o.Link &&
		r.Program.Is(o.Program) && r.Replaced.Is(o.Replaced) && r.Detached.Is(o.Detached) && slices.Equal(r.Stays, o.Stays)
}

// outcome says what became of the device.
func (r *linkSetReport) outcome() string {
	var t render.Text
	switch {
	case r.Unchanged:
		t.Printf("unchanged, program %v is attached (%v)", r.Program, r.Mode)
	case r.Program != nil:
		t.Printf("attached program %v (%v)", r.Program, r.Mode)
		t.If(r.Replaced != nil, ", replaced program %v", r.Replaced)
		t.If(r.Kept != nil, ", %v", r.Kept)
	case r.Detached != nil:
		t.Printf("detached program %v (%v)", r.Detached, r.Mode)
		t.If(r.Kept != nil, ", %v", r.Kept)
	case r.absent != 0:
		return fmt.Sprintf("bpf_link %d held no program", r.absent)
	case r.Stays != nil:
		t.Printf("no %v program was attached", r.off)
	default:
		return "no program was attached"
	}
	for _, s := range r.Stays {
		t.Printf("; program %v stays (%v)", &s.ProgramReport, s.Mode)
	}
	t.If(r.Link != nil, ", %v", r.Link)
	return t.String()
}

// linkSetReports are those of several devices.
type linkSetReports []*linkSetReport

func (linkSetReports) Changes() {}

func (l linkSetReports) Add(report any) subject.ManyReport {
	r, _ := report.(*linkSetReport)
	return append(l, r)
}

func (l linkSetReports) Refuse(f subject.DeviceFailure, why *subject.Refusal) subject.ManyReport {
	for _, r := range l {
		if r.Ifindex == f.Ifindex {
			r.Error = why
			return l
		}
	}
	return append(l, &linkSetReport{Device: f.Device, Error: why})
}

// WriteText leaves out devices that refused: the error names them.
func (l linkSetReports) WriteText(t *render.Text, o render.Options) {
	var lines subject.Alike
	var last *linkSetReport
	text := ""
	for _, r := range l {
		if r.Error != nil {
			continue
		}
		if last == nil || !r.like(last) {
			last, text = r, ": "+r.outcome()
		}
		lines.Add(r.Device, text)
	}
	lines.WriteText(t, o)
	for _, r := range l {
		r.Kept.WriteText(t, o)
	}
}

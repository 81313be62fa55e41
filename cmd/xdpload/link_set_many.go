package main

import (
	"context"
	"io"
	"slices"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// setMany attaches one program to several devices, or detaches from them.
func (r *linkSetRequest) setMany(ctx context.Context, e *env) (any, error) {
	conn, links, missing, err := r.Devices.resolve(e, r.Off)
	if err != nil {
		return nil, err
	}
	of := len(links) + len(missing)
	if e.Atomic && len(missing) > 0 {
		return nil, &devicesError{Failed: missing, Of: of, Undone: true}
	}
	p, all, err := r.change(ctx, e, conn, xdpload.XDPs{
		Links: links, Mode: r.Mode, Replace: e.Force, Idempotent: e.Idempotent, Atomic: e.Atomic,
	})
	if err != nil {
		return nil, err
	}
	defer p.close() //nolint:errcheck // descriptors of ours only
	reports := linkSetReports{}
	if slices.ContainsFunc(all, notCompared) && !e.tool.foreign() {
		e.warn("%v: "+uncompared, &r.Devices)
	}
	for i := range all {
		reports = append(reports, r.outcome(&all[i], p.maps))
	}
	report, err := e.concludeMany(reports, append(missing, e.failures(all)...), of)
	if err != nil && !r.Off {
		err = &objectError{Object: r.Program.name(), Program: p.name, Err: err}
	}
	return report, err
}

// change makes the changes, and reports on the devices.
func (r *linkSetRequest) change(ctx context.Context, e *env, conn *netlink.Conn, hook xdpload.XDPs) (*manyLoaded, []xdpload.Outcome, error) {
	if !r.Off {
		return r.Program.attachEach(ctx, e, conn, hook)
	}
	all, err := xdpload.DetachEach(ctx, conn, hook)
	if err == nil {
		err = xdpload.ReleaseEach(ctx, conn, e.bpffs(), all)
	}
	return new(manyLoaded), all, err
}

func notCompared(o xdpload.Outcome) bool { return o.Attachment != nil && o.Attachment.Uncompared }

// outcome is the report on one device.
func (r *linkSetRequest) outcome(o *xdpload.Outcome, maps []*xdpload.Map) *linkSetReport {
	report := &linkSetReport{Device: o.Device, Ifindex: o.Ifindex}
	a := o.Attachment
	switch {
	case a == nil:
	case r.Off:
		report.Mode, report.Detached = a.Mode, reportProgram(&a.Program)
	default:
		report = attached(a, &loaded{maps: maps})
	}
	return report
}

// linkSetReports are those of several devices.
type linkSetReports []*linkSetReport

func (linkSetReports) change() {}

func (l linkSetReports) refuse(f deviceFailure, why *refusal) manyReport {
	for _, r := range l {
		if r.Ifindex == f.Ifindex {
			r.Error = why
			return l
		}
	}
	return append(l, &linkSetReport{Device: f.Device, Error: why})
}

// WriteText leaves out devices that refused: the error names them.
func (l linkSetReports) WriteText(w io.Writer, o render.Options) error {
	lines := newAlike(o)
	var last *linkSetReport
	text := ""
	for _, r := range l {
		if r.Error != nil {
			continue
		}
		if last == nil || !r.like(last) {
			last, text = r, ": "+r.outcome()
		}
		lines.add(r.Device, text)
	}
	return lines.write(w)
}

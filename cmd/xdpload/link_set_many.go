package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// runMany attaches one program to several devices, or detaches from them.
func (r *linkSetRequest) runMany(ctx context.Context, e *env) (any, error) {
	report, err := r.setMany(ctx, e)
	if err != nil {
		if _, told := errors.AsType[*devicesError](err); told {
			return nil, err
		}
		return nil, &linkError{Device: r.Devices.String(), Err: err}
	}
	return report, nil
}

func (r *linkSetRequest) setMany(ctx context.Context, e *env) (any, error) {
	conn, links, missing, err := r.Devices.resolve(e, r.Off)
	if err != nil {
		return nil, err
	}
	if e.Atomic && len(missing) > 0 {
		return nil, &devicesError{Failed: missing, Of: len(links) + len(missing), Undone: true}
	}
	if e.Atomic { // a signal shall not end it halfway
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
	}
	hook := xdpload.XDPs{Links: links, Mode: r.Mode, Replace: e.Force, Idempotent: e.Idempotent, Atomic: e.Atomic}
	p, all, err := r.change(ctx, e, conn, hook)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("interrupted, so nothing was changed: %w", err)
	case err != nil:
		return nil, err
	}
	defer p.close() //nolint:errcheck // descriptors of ours only
	reports := linkSetReports{}
	tell := e.holderTeller()
	failed := missing
	for i := range all {
		o := &all[i]
		reports = append(reports, r.outcome(o, p.maps))
		if o.Err != nil {
			failed = append(failed, deviceFailure{Device: o.Device, Ifindex: o.Ifindex, Err: tell(o.Err)})
		}
	}
	if len(failed) == 0 {
		return reports, nil
	}
	refused := &devicesError{Failed: failed, Of: len(links) + len(missing), Undone: e.Atomic}
	if err := reports.tell(e, refused); err != nil {
		return nil, err
	}
	if r.Off {
		return nil, refused
	}
	return nil, &objectError{Object: r.Program.name(), Program: p.name, Err: refused}
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

// tell reports on what has been done though others refused.
func (l linkSetReports) tell(e *env, refused *devicesError) error {
	if refused.Undone || e.tool.foreign() {
		return nil
	}
	at := make(map[int]*linkSetReport, len(l))
	for _, r := range l {
		at[r.Ifindex] = r
	}
	for _, f := range refused.Failed {
		r := at[f.Ifindex]
		if r == nil {
			r = &linkSetReport{Device: f.Device}
			l = append(l, r)
		}
		why := f.refusal()
		r.Error = &why
	}
	return render.Write(e.stdout, l, e.Options)
}

// manyLoaded is what several devices run, empty if none does.
type manyLoaded struct {
	name string
	maps []*xdpload.Map
	free func() error
}

func (p *manyLoaded) close() error {
	if p.free == nil {
		return nil
	}
	return p.free()
}

// attachEach is attach for several devices.
func (r *programRequest) attachEach(ctx context.Context, e *env, conn *netlink.Conn, hook xdpload.XDPs) (*manyLoaded, []xdpload.Outcome, error) {
	if r.File != "" {
		return r.installEach(ctx, e, conn, hook)
	}
	p, err := r.open(ctx, e, ebpf.XDP, 0)
	if err != nil {
		return nil, nil, err
	}
	all, err := xdpload.AttachEach(ctx, conn, p.Program, hook)
	if err == nil {
		err = xdpload.ReleaseEach(ctx, conn, e.bpffs(), all)
	}
	if err != nil {
		_ = p.close()
		return nil, nil, &objectError{Object: r.name(), Program: p.Name, Err: err}
	}
	return &manyLoaded{name: p.Name, free: p.close}, all, nil
}

func (r *programRequest) installEach(ctx context.Context, e *env, conn *netlink.Conn, hook xdpload.XDPs) (*manyLoaded, []xdpload.Outcome, error) {
	obj, err := r.object(e)
	if err != nil {
		return nil, nil, err
	}
	o := r.options(e, ebpf.XDP, 0)
	l, all, err := xdpload.InstallEach(ctx, conn, obj, o, hook)
	if err != nil {
		return nil, nil, r.failed(obj, o.Select, err)
	}
	out := new(manyLoaded)
	if p, err := obj.Program(o.Select); err == nil {
		out.name = p.Name
	}
	if l != nil {
		p := r.loaded(e, l)
		out.maps, out.free = p.maps, p.close
	}
	return out, all, nil
}

// linkSetReports are those of several devices: as text one line for all that
// came out alike, and with -details one for each.
type linkSetReports []*linkSetReport

func (linkSetReports) change() {}

// fewNames is how many devices a line names before it counts them.
const fewNames = 8

// WriteText leaves out devices that refused: the error names them.
func (l linkSetReports) WriteText(w io.Writer, o render.Options) error {
	var order []string
	alike := make(map[string][]string)
	for _, r := range l {
		if r.Error != nil {
			continue
		}
		key := r.outcome()
		if o.Details {
			key = r.Device + "\x00" + key
		}
		if alike[key] == nil {
			order = append(order, key)
		}
		alike[key] = append(alike[key], r.Device)
	}
	for _, key := range order {
		names := alike[key]
		who := strings.Join(names, " ")
		if len(names) > fewNames {
			who = count(len(names), "device")
		}
		_, outcome, found := strings.Cut(key, "\x00")
		if !found {
			outcome = key
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", who, outcome); err != nil {
			return err
		}
	}
	return nil
}

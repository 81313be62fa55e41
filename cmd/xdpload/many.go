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

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// A manyReport is what became of several devices.
type manyReport interface {
	// refuse notes why a device, or a word that found none, is not among them.
	refuse(f deviceFailure, why *refusal) manyReport
}

// until is ctx, and with -atomic it ends with a signal, which shall not end the
// work halfway.
func (e *env) until(ctx context.Context) (context.Context, context.CancelFunc) {
	if !e.Atomic {
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// overMany makes a change of several devices, which are named if it fails as a whole.
func (e *env) overMany(ctx context.Context, devices devicesRequest, change func(context.Context, *env) (any, error)) (any, error) {
	ctx, stop := e.until(ctx)
	defer stop()
	report, err := change(ctx, e)
	if err != nil {
		return nil, manyFailed(ctx, devices.String(), err)
	}
	return report, nil
}

// concludeMany prints what was done though some refused, and returns who did.
func (e *env) concludeMany(report manyReport, failed []deviceFailure, of int) (any, error) {
	if len(failed) == 0 {
		return report, nil
	}
	refused := &devicesError{Failed: failed, Of: of, Undone: e.Atomic}
	if e.Atomic || e.tool.foreign() {
		return nil, refused
	}
	for _, f := range failed {
		why := f.refusal()
		report = report.refuse(f, &why)
	}
	if err := render.Write(e.stdout, report, e.Options); err != nil {
		return nil, err
	}
	return nil, refused
}

// manyFailed puts an error in front of which the devices stand that it is about.
func manyFailed(ctx context.Context, devices string, err error) error {
	if _, told := errors.AsType[*devicesError](err); told {
		return err
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted, so nothing was changed: %w", err)
	}
	return &linkError{Device: devices, Err: err}
}

// failures are those of the devices, and who holds what is in the way.
func (e *env) failures(all []xdpload.Outcome) (failed []deviceFailure) {
	tell := e.holderTeller()
	for _, o := range all {
		if o.Err != nil {
			failed = append(failed, deviceFailure{Device: o.Device, Ifindex: o.Ifindex, Err: tell(o.Err)})
		}
	}
	return failed
}

// manyLoaded is what several devices run, empty if none does.
type manyLoaded struct {
	*xdpload.Program
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
func (r *programRequest) attachEach(ctx context.Context, e *env, conn *netlink.Conn, hooks xdpload.Hooks) (*manyLoaded, []xdpload.Outcome, error) {
	if r.File != "" {
		return r.installEach(ctx, e, conn, hooks)
	}
	p, err := r.open(ctx, e, hooks.ProgramType(), 0)
	if err != nil {
		return nil, nil, err
	}
	all, err := xdpload.AttachEach(ctx, conn, p.Program, hooks)
	if err == nil {
		err = xdpload.ReleaseEach(ctx, conn, e.bpffs(), all)
	}
	if err != nil {
		_ = p.close()
		return nil, nil, &objectError{Object: r.name(), Program: p.Name, Err: err}
	}
	return &manyLoaded{Program: p.Program, name: p.Name, free: p.close}, all, nil
}

func (r *programRequest) installEach(ctx context.Context, e *env, conn *netlink.Conn, hooks xdpload.Hooks) (*manyLoaded, []xdpload.Outcome, error) {
	obj, err := r.object(e)
	if err != nil {
		return nil, nil, err
	}
	o := r.options(e, hooks.ProgramType(), 0)
	o.Ahead = r.ahead.take(obj)
	l, all, err := xdpload.InstallEach(ctx, conn, obj, o, hooks)
	if err != nil {
		return nil, nil, r.failed(obj, o.Select, err)
	}
	out := new(manyLoaded)
	if p, err := obj.Program(o.Select); err == nil {
		out.name = p.Name
	}
	if l != nil {
		p := r.loaded(e, l)
		out.Program, out.maps, out.free = p.Program, p.maps, p.close
	}
	return out, all, nil
}

// alike joins what came out alike on several devices; with -details each has a
// line of its own.
type alike struct {
	details bool
	order   []string            // texts
	names   map[string][]string // of the devices, by text
}

func newAlike(o render.Options) *alike {
	return &alike{details: o.Details, names: make(map[string][]string)}
}

// add takes the text that follows the device's name.
func (a *alike) add(device, text string) {
	if a.names[text] == nil {
		a.order = append(a.order, text)
	}
	a.names[text] = append(a.names[text], device)
}

// fewNames is how many devices a line names before it counts them.
const fewNames = 8

func (a *alike) write(w io.Writer) error {
	var b strings.Builder
	for _, text := range a.order {
		names := a.names[text]
		switch {
		case a.details:
			for _, name := range names {
				b.WriteString(name + text + "\n")
			}
		case len(names) > fewNames:
			b.WriteString(count(len(names), "device") + text + "\n")
		default:
			b.WriteString(strings.Join(names, " ") + text + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

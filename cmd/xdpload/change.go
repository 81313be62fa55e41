package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/render"
)

// A change is a line that is ready to change hooks, of one device or of many. It is
// applied, alone or with other lines, and then reported on.
type change struct {
	subject string // what errors are about: "eth0"
	several bool   // any number of devices: reported as a list
	source  *source
	plans   []attach.Plan
	missing []deviceFailure // words that stand for no device
	// ifExists says that a program which is not there was taken off.
	ifExists bool
	// one reports on what became of a plan, nil for nothing to tell beside the
	// error.
	one func(*attach.Outcome) any
	// list collects reports on several.
	list   manyReport
	warned bool
	// holders has who holds a bpf_link that is in the way looked for.
	holders bool
	// free gives back what the plans need, nil for nothing.
	free func()
}

// A manyReport is what became of several devices.
type manyReport interface {
	Add(report any) manyReport
	// Refuse notes why a device, or a word that found none, is not among them.
	Refuse(f deviceFailure, why *refusal) manyReport
}

// changeHooks is the run of requests that change hooks.
func (e *env) changeHooks(ctx context.Context, subject *devicesRequest, name string, prepare func(context.Context, *env) (*change, error)) (any, error) {
	ctx, stop := e.until(ctx, subject)
	defer stop()
	c, err := prepare(ctx, e)
	if err != nil {
		return nil, e.unprepared(ctx, subject, name, err)
	}
	defer c.close()
	all, err := e.apply(ctx, c, nil)
	return e.concludeChange(ctx, c, all, err)
}

// until is ctx, and with -atomic it ends with a signal, which shall not end the
// work halfway.
func (e *env) until(ctx context.Context, devices *devicesRequest) (context.Context, context.CancelFunc) {
	if !e.Atomic || !devices.several() {
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// unprepared puts an error in front of which the devices stand that it is about.
func (e *env) unprepared(ctx context.Context, devices *devicesRequest, name string, err error) error {
	if devices.several() {
		return manyFailed(ctx, devices.String(), err)
	}
	return &linkError{Device: name, Err: err}
}

// apply carries out the plans of a change, and of others with the same source.
func (e *env) apply(ctx context.Context, c *change, others []*change) ([]attach.Outcome, error) {
	plans := c.plans
	for _, o := range others {
		plans = append(plans, o.plans...)
	}
	all, err := attach.Apply(ctx, e.conn, plans, attach.Options{
		Atomic: e.Atomic, InOrder: len(others) > 0 && !e.Force, Root: e.bpffs(), Known: e.known(),
		Warn: func(err error) { e.warn("%v", err) },
	})
	if err == nil {
		c.source.announce(e)
	}
	return all, err
}

// concludeChange makes the report, or the error.
func (e *env) concludeChange(ctx context.Context, c *change, all []attach.Outcome, err error) (any, error) {
	if c.several {
		return e.concludeMany(ctx, c, all, err)
	}
	if err == nil && c.ifExists && absent(all[0].Err) {
		all[0].Err = nil
	}
	if err = cmp.Or(err, all[0].Err); err != nil {
		if err = c.source.failed(err); c.holders {
			err = e.tellHolder(err)
		}
		return nil, &linkError{Device: c.subject, Err: err}
	}
	return c.one(&all[0]), nil
}

// concludeMany prints what was done though some refused, and returns who did.
func (e *env) concludeMany(ctx context.Context, c *change, all []attach.Outcome, err error) (any, error) {
	if err != nil {
		return nil, manyFailed(ctx, c.subject, c.source.failed(err))
	}
	failed := append(c.missing, e.failures(all, c.holders)...)
	report := c.list
	for i := range all {
		if r := c.one(&all[i]); r != nil {
			report = report.Add(r)
		}
	}
	of := len(all) + len(c.missing)
	result, err := e.concludeList(report, failed, of)
	if err != nil && c.source != nil {
		err = c.source.refused(err)
	}
	if err != nil {
		err = manyFailed(ctx, c.subject, err)
	}
	return result, err
}

// concludeList is concludeMany for devices that were changed one by one.
func (e *env) concludeList(report manyReport, failed []deviceFailure, of int) (any, error) {
	if len(failed) == 0 {
		return report, nil
	}
	refused := &devicesError{Failed: failed, Of: of, Undone: e.Atomic}
	if e.Atomic || e.tool.foreign() {
		return nil, refused
	}
	for _, f := range failed {
		why := f.refusal()
		report = report.Refuse(f, &why)
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
func (e *env) failures(all []attach.Outcome, holders bool) (failed []deviceFailure) {
	tell := e.holderTeller()
	if !holders {
		tell = func(err error) error { return err }
	}
	for _, o := range all {
		if o.Err != nil {
			failed = append(failed, deviceFailure{Device: o.Device, Ifindex: o.Ifindex, Err: tell(o.Err)})
		}
	}
	return failed
}

// close gives back what the change needed.
func (c *change) close() {
	if c.free != nil {
		c.free()
	}
	c.source.close()
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

package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
)

// A Change is a line that is ready to change hooks, of one device or of many. It is
// applied, alone or with other lines, and then reported on.
type Change struct {
	Subject string // what errors are about: "eth0"
	Several bool   // any number of devices: who refused is in the report
	Source  *Source
	Plans   []attach.Plan
	Missing []DeviceFailure // words that stand for no device
	// IfExists says that a program which is not there was taken off.
	IfExists bool
	// One reports on what became of a plan, nil for nothing to tell beside the
	// error.
	One func(*attach.Outcome) any
	// List collects reports, where a line may have several; nil where it never has.
	List       ManyReport
	Warned     bool
	uncompared bool // warned of
	// Holders has who holds a bpf_link that is in the way looked for.
	Holders bool
	// Site is where a program shall run that a device may refuse, nil for hooks that are
	// alike on all devices.
	Site *Site
	// Free gives back what the plans need, nil for nothing.
	Free func()
}

// An Attaching is a request to run a program on hooks. What it will do is known
// before it is done.
type Attaching interface {
	env.Request
	// Loads is what it would load. It opens nothing.
	Loads() Loading
	// Prepare finds out all that can be known without loading a program.
	Prepare(context.Context, *env.Env) (*Change, error)
}

// A Joining is an attaching that may be applied together with lines like it.
type Joining interface {
	Attaching
	// Simple reports whether nothing has to be looked for or loaded.
	Simple(*env.Env) bool
}

// A ManyReport is what became of several devices.
type ManyReport interface {
	Add(report any) ManyReport
	// Refuse notes why a device, or a word that found none, is not among them.
	Refuse(f DeviceFailure, why *Refusal) ManyReport
}

// ChangeHooks is the run of requests that change hooks.
func ChangeHooks(ctx context.Context, e *env.Env, devices *DevicesRequest, name string, prepare func(context.Context, *env.Env) (*Change, error)) (any, error) {
	if e.Atomic && devices.Several() { // a signal shall not end the work halfway
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
	}
	c, err := prepare(ctx, e)
	switch {
	case err != nil && devices.Several():
		return nil, ManyFailed(ctx, devices.String(), err)
	case err != nil:
		return nil, env.About(name, err)
	}
	defer c.Close()
	all, err := Apply(ctx, e, c, nil)
	return ConcludeChange(ctx, e, c, all, err)
}

// Apply carries out the plans of a change, and of others with the same source.
func Apply(ctx context.Context, e *env.Env, c *Change, others []*Change) ([]attach.Outcome, error) {
	plans := c.Plans
	for _, o := range others {
		plans = append(plans, o.Plans...)
	}
	progress := c.Source.progress(e)
	all, err := attach.Apply(ctx, e.Conn, plans, attach.Options{
		Atomic: e.Atomic, InOrder: len(others) > 0 && !e.Continue, Root: Bpffs(e), Known: e.Known(),
		Warn: func(err error) { e.Warn("%v", err) },
	})
	progress.Done()
	if err == nil {
		c.Source.announce(e)
	}
	return all, err
}

// ConcludeChange makes the report, or the error.
func ConcludeChange(ctx context.Context, e *env.Env, c *Change, all []attach.Outcome, err error) (any, error) {
	if c.Several {
		return concludeMany(ctx, e, c, all, err)
	}
	if err == nil && c.IfExists && absent(all[0].Err) {
		all[0].Err = nil
	}
	if err = cmp.Or(err, all[0].Err); err != nil {
		return nil, &env.LinkError{Device: c.Subject, Err: c.explainer(e)(all[0].Ifindex, c.Source.Failed(err))}
	}
	report := c.one(e, &all[0])
	if c.List != nil && report != nil {
		report = c.List.Add(report)
	}
	return report, nil
}

// one reports on what became of a plan, and warns once of what was not compared, as ip never
// does.
func (c *Change) one(e *env.Env, o *attach.Outcome) any {
	if a := o.Attachment; a != nil && a.Uncompared && !e.Tool.Foreign() && !c.uncompared {
		c.uncompared = true
		e.Warn("%s: what was taken off was not compared with what was there, which takes CAP_SYS_ADMIN: if others changed it just then, it was their program", c.Subject)
	}
	return c.One(o)
}

// concludeMany prints what was done though some refused, and returns who did.
func concludeMany(ctx context.Context, e *env.Env, c *Change, all []attach.Outcome, err error) (any, error) {
	if err != nil {
		return nil, ManyFailed(ctx, c.Subject, c.Source.Failed(err))
	}
	failed := append(c.Missing, c.failures(e, all)...)
	report := c.List
	for i := range all {
		if r := c.one(e, &all[i]); r != nil {
			report = report.Add(r)
		}
	}
	of := len(all) + len(c.Missing)
	result, err := ConcludeList(e, report, failed, of)
	if err != nil {
		err = ManyFailed(ctx, c.Subject, c.Source.Failed(err))
	}
	return result, err
}

// ConcludeList is concludeMany for devices that were changed one by one.
func ConcludeList(e *env.Env, report ManyReport, failed []DeviceFailure, of int) (any, error) {
	if len(failed) == 0 {
		return report, nil
	}
	refused := &DevicesError{Failed: failed, Of: of, Undone: e.Atomic}
	if e.Atomic || e.Tool.Foreign() {
		return nil, refused
	}
	for _, f := range failed {
		why := f.refusal()
		report = report.Refuse(f, &why)
	}
	return e.Refuse(report, refused)
}

// ManyFailed puts an error in front of which the devices stand that it is about.
func ManyFailed(ctx context.Context, devices string, err error) error {
	if _, told := errors.AsType[*DevicesError](err); told {
		return err
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted, so nothing was changed: %w", err)
	}
	return &env.LinkError{Device: devices, Err: err}
}

// failures are those of the devices, and what is in the way.
func (c *Change) failures(e *env.Env, all []attach.Outcome) (failed []DeviceFailure) {
	explain := c.explainer(e)
	for _, o := range all {
		if o.Err != nil {
			failed = append(failed, DeviceFailure{Device: o.Device, Ifindex: o.Ifindex, Err: explain(o.Ifindex, o.Err)})
		}
	}
	return failed
}

// MostHints is how many hints of several devices are shown.
const MostHints = 4

// explainer adds to refusals who holds what is in the way, and what is of the device: for as
// many devices as are shown, and one for each reason.
func (c *Change) explainer(e *env.Env) func(ifindex int, err error) error {
	holder := holderTeller(e)
	explained, count := make(map[string]bool), 0
	return func(ifindex int, err error) error {
		if c.Holders {
			err = tellMembers(e, ifindex, holder(err))
		}
		if reason := err.Error(); c.Site != nil && (!explained[reason] || count < MostHints) {
			explained[reason] = true
			count++
			err = c.Site.Explain(ifindex, c.Source, err)
		}
		return err
	}
}

// Close gives back what the change needed.
func (c *Change) Close() {
	if c.Free != nil {
		c.Free()
	}
	c.Source.Done()
}

// Alike joins what came out alike on several devices; with -details each has a
// line of its own. The zero value is ready to use.
type Alike struct {
	order []string            // texts
	names map[string][]string // of the devices, by text
}

// Add takes the text that follows the device's name.
func (a *Alike) Add(device, text string) {
	if a.names == nil {
		a.names = make(map[string][]string)
	}
	if a.names[text] == nil {
		a.order = append(a.order, text)
	}
	a.names[text] = append(a.names[text], device)
}

// fewNames is how many devices a line names before it counts them.
const fewNames = 8

// WriteText prints a line for each text, in the order in which they came.
func (a *Alike) WriteText(t *render.Text, o render.Options) {
	for _, text := range a.order {
		names := a.names[text]
		switch {
		case o.Details:
			for _, name := range names {
				t.WriteString(name + text + "\n")
			}
		case len(names) > fewNames:
			t.WriteString(Count(len(names), "device") + text + "\n")
		default:
			t.WriteString(strings.Join(names, " ") + text + "\n")
		}
	}
}

package main

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strings"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// devicesGrammar is deviceGrammar with dev repeated.
func (r *filterRequest) devicesGrammar() *grammar.Node {
	return grammar.Alt(
		grammar.Key("dev", "DEV", r.addDevice).Exact().Completes(grammar.Device).Help(helpPattern+"; several run one program"),
		grammar.Key("block", "N", r.setBlock).Help("the block of filters that several qdiscs share"),
	).Repeat()
}

var errDevOrBlock = errors.New("dev and block exclude each other")

func (r *filterRequest) addDevice(word string) error {
	if r.Block != 0 {
		return errDevOrBlock
	}
	r.Devices.Names = append(r.Devices.Names, word)
	r.Device = r.Devices.Names[0]
	return nil
}

func (r *filterRequest) setBlock(word string) error {
	switch {
	case r.Device != "":
		return errDevOrBlock
	case r.Block != 0:
		return errors.New("a second block")
	}
	return grammar.Number(&r.Block, 1, math.MaxUint32)(word)
}

// checkDevices refuses for several devices what is tied to one.
func (r *filterRequest) checkDevices() error {
	if err := r.Devices.check(); err != nil {
		return err
	}
	if r.Devices.several() && r.SkipSW {
		return errors.New("skip_sw loads the program into one device: name one device")
	}
	return nil
}

// setMany attaches one program to several devices.
func (r *filterRequest) setMany(ctx context.Context, e *env) (any, error) {
	conn, links, failed, err := r.Devices.resolve(e, true)
	if err != nil {
		return nil, err
	}
	of := len(links) + len(failed)
	hooks, err := r.hooks(e, links)
	if err != nil {
		return nil, err
	}
	hooks, refused := findEach(conn, hooks)
	failed = append(failed, refused...)
	if len(hooks) == 0 || e.Atomic && len(failed) > 0 {
		return nil, &devicesError{Failed: failed, Of: of, Undone: e.Atomic}
	}
	actions, undo, err := openActions(ctx, e, r.Actions)
	defer undo()
	if err != nil {
		return nil, err
	}
	for _, h := range hooks {
		h.Filter.BPF.Actions = actions
	}
	p, all, err := r.attachMany(ctx, e, conn, xdpload.Clsacts{Hooks: hooks, Atomic: e.Atomic})
	if err != nil {
		return nil, err
	}
	defer p.close() //nolint:errcheck // descriptors of ours only
	report := r.changes(e, conn, all, p)
	return e.concludeMany(report, append(failed, e.failures(all)...), of)
}

// hooks are those of the devices. What runs there is read once.
func (r *filterRequest) hooks(e *env, links []*netlink.Link) (hooks []xdpload.Clsact, err error) {
	if r.Code.Program.Export == "" && r.Code.Program.File != "" {
		r.Code.Program.Export = os.Getenv("TC_BPF_UDS") // as for tc
	}
	for i, l := range links {
		h := xdpload.Clsact{Filter: r.filter(l.Index), Op: r.op, Idempotent: e.Idempotent, Device: l.Name}
		if i == 0 {
			err = r.describe(e, &h)
		} else {
			first := hooks[0].Filter.BPF
			h.Filter.BPF.Name, h.Filter.BPF.Bytecode = first.Name, first.Bytecode
		}
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, h)
	}
	return hooks, nil
}

// findEach looks for the hooks before a program is loaded for them.
func findEach(conn *netlink.Conn, hooks []xdpload.Clsact) (found []xdpload.Clsact, failed []deviceFailure) {
	for _, h := range hooks {
		at, err := h.Find(conn)
		if err != nil {
			failed = append(failed, deviceFailure{Device: h.Device, Ifindex: h.Filter.Ifindex, Err: err})
			continue
		}
		found = append(found, at)
	}
	return found, failed
}

func (r *filterRequest) attachMany(ctx context.Context, e *env, conn *netlink.Conn, hooks xdpload.Clsacts) (*manyLoaded, []xdpload.Outcome, error) {
	if !r.Code.Bytecode.given() {
		return r.Code.Program.attachEach(ctx, e, conn, hooks)
	}
	all, err := xdpload.AttachEach(ctx, conn, nil, hooks)
	return new(manyLoaded), all, err
}

// changes reports on the devices that did not refuse.
func (r *filterRequest) changes(e *env, conn *netlink.Conn, all []xdpload.Outcome, p *manyLoaded) manyReport {
	list := manyFilters{}
	for _, o := range all {
		a := o.Attachment
		if a == nil {
			continue
		}
		r.Device = o.Device
		runs := &loaded{maps: p.maps}
		if a.Program.ID != 0 {
			runs.Program = &xdpload.Program{ProgramInfo: a.Program}
		}
		list = append(list, r.attached(e, conn, a, runs))
	}
	return list
}

// runDeleteMany deletes on one device after the other.
func (r *filterRequest) runDeleteMany(ctx context.Context, e *env) (any, error) {
	_, links, failed, err := r.Devices.resolve(e, true)
	if err != nil {
		return nil, manyFailed(ctx, r.Devices.String(), err)
	}
	of := len(links) + len(failed)
	list := manyFilters{}
	for _, l := range links {
		r.Device = l.Name
		deleted, err := r.delete(ctx, e)
		switch {
		case r.IfExists && noFilter(err):
			list = append(list, r.deleted(nil))
		case err != nil:
			failed = append(failed, deviceFailure{Device: l.Name, Ifindex: l.Index, Err: err})
		default:
			list = append(list, deleted)
		}
	}
	return e.concludeMany(list, failed, of)
}

// filterRefused is the report on a device that refused.
type filterRefused struct {
	Device string   `json:"dev"`
	Error  *refusal `json:"error"`
}

// manyFilters are reports on the filters of several devices: *filterChange,
// *filtersDeleted and *filterRefused, or with -echo *filterReport and
// filterReports.
type manyFilters []any

func (manyFilters) change() {}

func (l manyFilters) refuse(f deviceFailure, why *refusal) manyReport {
	return append(l, &filterRefused{f.Device, why})
}

// WriteText joins what came out alike.
func (l manyFilters) WriteText(w io.Writer, o render.Options) error {
	lines := newAlike(o)
	for _, r := range l {
		switch r := r.(type) {
		case *filterChange:
			if r.QdiscCreated {
				lines.add(r.Device, ": created clsact qdisc")
			}
			lines.add(r.Device, strings.TrimPrefix(r.hook, r.Device)+": "+r.outcome())
		case *filtersDeleted:
			lines.add(r.Device, strings.TrimPrefix(r.hook, r.Device)+": "+r.outcome(o.Brief))
		case render.Texter:
			if err := r.WriteText(w, o); err != nil {
				return err
			}
		}
	}
	return lines.write(w)
}

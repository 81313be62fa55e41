package main

import (
	"context"
	"errors"
	"math"
	"os"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
)

// multiHook is the words for a hook that runs several programs in order.
type multiHook struct {
	command       string    // "tcx"
	points        [2]string // "ingress", "egress"
	help          [2]string
	make          func(ifindex int, second bool, o attach.Order) attach.Hook
	exampleDevice string
}

// multiRequest is what a line says about one.
type multiRequest struct {
	multiHook
	Device   string
	Second   bool
	Program  programRequest
	Place    func(attach.Ref) attach.Anchor // nil for the default
	Ref      refRequest
	Revision uint64
	Link     string
	IfExists bool
	Object   string // of the program to detach
	Section  string
}

// refRequest names a program on a hook.
type refRequest struct {
	ID, Link     uint32
	Name, Pinned string
}

func (r *refRequest) ref(e *env) attach.Ref {
	switch {
	case r.ID != 0:
		return attach.ProgramID(r.ID)
	case r.Link != 0:
		return attach.LinkID(r.Link)
	case r.Name != "":
		return attach.ProgramName(r.Name)
	case r.Pinned != "":
		return attach.PinnedAt(e.pinPath(r.Pinned))
	}
	return attach.Ref{}
}

func (r *refRequest) grammar() []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("id", "N", grammar.Number(&r.ID, 1, math.MaxUint32)).Help("the program with this id"),
		grammar.Key("link", "N", grammar.Number(&r.Link, 1, math.MaxUint32)).Help("what the bpf_link with this id holds"),
		grammar.Key("name", "NAME", grammar.String(&r.Name)).Help("the program with this name, if there is only one on the hook"),
		grammar.Key("pinned", "PATH", grammar.String(&r.Pinned)).Completes(grammar.Pinned).Help("the program that is pinned at this path, or held by the bpf_link there"),
	}
}

func (r *multiRequest) hookGrammar() *grammar.Node {
	return grammar.Seq(
		deviceGrammar(&r.Device),
		grammar.Alt(
			grammar.Const(r.points[0], &r.Second, false).Help(r.help[0]),
			grammar.Const(r.points[1], &r.Second, true).Help(r.help[1]),
		),
	)
}

func (r *multiRequest) attachGrammar() *grammar.Node {
	program := append(r.Program.grammar(),
		grammar.Key("id", "N", grammar.Number(&r.Program.ID, 1, math.MaxUint32)).Help("the loaded program with this id"))
	return grammar.Seq(r.hookGrammar(), grammar.Any(
		grammar.Alt(program...).Named("PROGRAM").Required(),
		r.placeGrammar(),
		r.revisionGrammar(),
		linkPathGrammar(&r.Link),
	)).Check(r.checkPlace)
}

func (r *multiRequest) placeGrammar() *grammar.Node {
	ref := grammar.Alt(r.Ref.grammar()...).Named("REF")
	end := func(word string, a attach.Anchor, help string) *grammar.Node {
		return grammar.Word(word).Do(func() { r.Place = func(attach.Ref) attach.Anchor { return a } }).Help(help)
	}
	beside := func(word string, a func(attach.Ref) attach.Anchor, help string) *grammar.Node {
		return grammar.Word(word, ref).Do(func() { r.Place = a }).Help(help)
	}
	return grammar.Alt(
		end("first", attach.First(), "before all other programs of the hook"),
		end("last", attach.Last(), "after all others (the default)"),
		beside("before", attach.Before, "right before another"),
		beside("after", attach.After, "right after another"),
		beside("replace", attach.Replace, "in the place of another; the bpf_link that held it holds the new one"),
	)
}

func (r *multiRequest) revisionGrammar() *grammar.Node {
	return grammar.Key("revision", "N", grammar.Number(&r.Revision, 1, math.MaxUint64)).
		Help("change nothing unless the hook is at this revision, which show prints and each change increments")
}

func linkPathGrammar(path *string) *grammar.Node {
	return grammar.Key("link", "PATH", grammar.String(path)).Completes(grammar.File).
		Help("attach by a bpf_link that is pinned at this path: the program stays until the pin is removed; with -force the link that is pinned there is updated in place")
}

var errReplaceByLink = errors.New("a new link cannot take a program's place: replace updates the link that holds one, -force the link at a path")

func (r *multiRequest) checkPlace() error {
	if r.Link != "" && r.Place != nil && r.Place(attach.Ref{}) == attach.Replace(attach.Ref{}) {
		return errReplaceByLink
	}
	return nil
}

func (r *multiRequest) detachGrammar() *grammar.Node {
	which := append(r.Ref.grammar(),
		grammar.Word("section", grammar.Value("NAME", grammar.String(&r.Section)).Completes(grammar.Section),
			grammar.Key("object-file", "FILE", grammar.String(&r.Object)).Alias("object", "obj").Completes(grammar.File).
				Help("the object that it came from"),
		).Help("the program with the name of the one in this section of an object"),
	)
	return grammar.Seq(r.hookGrammar(), grammar.Any(
		grammar.Alt(which...).Named("REF").Required(),
		r.revisionGrammar(),
		grammar.Flag("if-exists", &r.IfExists).Help("no error if it is not attached"),
	))
}

func (r *multiRequest) hook(e *env, ifindex int) attach.Hook {
	o := attach.Order{
		Revision: r.Revision, Link: e.pinPath(r.Link), Update: e.Force, Idempotent: e.Idempotent, Which: r.Ref.ref(e),
	}
	if r.Place != nil {
		o.Anchor = r.Place(o.Which)
	}
	return r.make(ifindex, r.Second, o)
}

// multiAttachRequest is a line that attaches.
type multiAttachRequest struct{ *multiRequest }

func (r *multiAttachRequest) run(ctx context.Context, e *env) (any, error) {
	return e.changeHooks(ctx, new(devicesRequest), r.Device, r.prepare)
}

func (r *multiAttachRequest) loads() loading { return r.Program.loading(ebpf.SchedCLS, false) }

func (r *multiAttachRequest) prepare(_ context.Context, e *env) (*change, error) {
	r.Program.Alone = true
	source := func() (*source, error) { return r.Program.source(e, ebpf.SchedCLS, 0) }
	return r.plan(e, source, func(c *change, o *attach.Outcome) any {
		report := r.report(e, o.Attachment)
		report.Program, report.Replaced = reportProgram(&o.Attachment.Program), reportProgram(o.Attachment.Replaced)
		report.Maps, report.Unchanged = reportMaps(c.source.maps(), o.Attachment.Unchanged), o.Attachment.Unchanged
		return report
	})
}

// plan makes the change of one program on the hook.
func (r *multiRequest) plan(e *env, find func() (*source, error), one func(*change, *attach.Outcome) any) (*change, error) {
	_, dev, err := e.link(r.Device)
	if err != nil {
		return nil, err
	}
	e.known().AddLink(dev)
	c := &change{subject: r.Device, ifExists: r.IfExists, holders: true}
	if c.source, err = find(); err != nil {
		return nil, err
	}
	c.plans = []attach.Plan{{Source: c.source.plan(), Hook: r.hook(e, dev.Index)}}
	c.one = func(o *attach.Outcome) any { return one(c, o) }
	return c, nil
}

// report is the part that attach and detach have in common.
func (r *multiRequest) report(e *env, a *attach.Attachment) *multiReport {
	report := newMultiReport(a)
	if report.Link != nil {
		report.Link.Pinned = e.linkPins()(a.Link.ID)
	}
	return report
}

func (r *multiRequest) runDetach(ctx context.Context, e *env) (any, error) {
	return e.changeHooks(ctx, new(devicesRequest), r.Device, func(context.Context, *env) (*change, error) {
		nothing := func() (*source, error) { return nil, r.nameBySection(e) }
		return r.plan(e, nothing, func(_ *change, o *attach.Outcome) any {
			if o.Attachment == nil {
				return &multiReport{Device: o.Device, Ifindex: o.Ifindex, Hook: r.hookName()}
			}
			report := r.report(e, o.Attachment)
			report.Detached = reportProgram(&o.Attachment.Program)
			return report
		})
	})
}

func (r *multiRequest) hookName() string {
	if r.Second {
		return r.command + "/" + r.points[1]
	}
	return r.command + "/" + r.points[0]
}

// absent tells that what was to be detached is not attached, or that its pin is
// not there.
func absent(err error) bool {
	if x, ok := errors.AsType[*attach.AnchorError](err); ok {
		return x.Missing
	}
	x, ok := errors.AsType[*os.PathError](err)
	return ok && errors.Is(x, os.ErrNotExist)
}

// nameBySection looks the program's name up in its object: the kernel knows
// nothing of sections.
func (r *multiRequest) nameBySection(e *env) error {
	if r.Section == "" {
		return nil
	}
	from := programRequest{File: r.Object, FD: -1, Section: r.Section}
	obj, err := from.object(e)
	if err != nil {
		return err
	}
	p, err := obj.Program(elf.Selector{Section: r.Section})
	if err != nil {
		return &objectError{Object: from.name(), Err: err}
	}
	r.Ref.Name = p.Name
	return nil
}

package tcxcmd

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
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
	Point    int // of the two
	Program  subject.ProgramRequest
	Place    func(attach.Ref) attach.Anchor // nil for the default
	Ref      refRequest
	Revision uint64
	Link     string
	Keep     string
	IfExists bool
}

// refRequest names a program on a hook.
type refRequest struct {
	ID, Link     uint32
	Name, Pinned string
}

func (r *refRequest) ref(e *env.Env) attach.Ref {
	switch {
	case r.ID != 0:
		return attach.ProgramID(r.ID)
	case r.Link != 0:
		return attach.LinkID(r.Link)
	case r.Name != "":
		return attach.ProgramName(r.Name)
	case r.Pinned != "":
		return attach.PinnedAt(subject.PinPath(e, r.Pinned))
	}
	return attach.Ref{}
}

func (r *refRequest) Grammar() []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("id", "N", grammar.Number(&r.ID, 1, math.MaxUint32)).Help("the program with this id"),
		grammar.Key("link", "N", grammar.Number(&r.Link, 1, math.MaxUint32)).Help("what the bpf_link with this id holds"),
		grammar.Key("name", "NAME", grammar.String(&r.Name)).Help("the program with this name, if there is only one on the hook"),
		grammar.Key("pinned", "PATH", grammar.String(&r.Pinned)).Completes(grammar.Pinned).Help("the program that is pinned at this path, or held by the bpf_link there"),
	}
}

func (r *multiRequest) hookGrammar() *grammar.Node {
	return grammar.Seq(
		subject.DeviceGrammar(&r.Device),
		grammar.Alt(
			grammar.Const(r.points[0], &r.Point, 0).Help(r.help[0]),
			grammar.Const(r.points[1], &r.Point, 1).Help(r.help[1]),
		),
	)
}

func (r *multiRequest) attachGrammar() *grammar.Node {
	return grammar.Seq(r.hookGrammar(), grammar.Any(
		grammar.Alt(r.Program.Grammar()...).Named("PROGRAM").Required(),
		r.placeGrammar(),
		r.revisionGrammar(),
		subject.LinkPathGrammar(&r.Link),
		subject.KeepGrammar(&r.Keep),
	)).Check(r.checkPlace)
}

func (r *multiRequest) placeGrammar() *grammar.Node {
	ref := grammar.Alt(r.Ref.Grammar()...).Named("REF")
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

func (r *multiRequest) checkPlace() error {
	if r.Link != "" && r.replaces() {
		return errors.New("a new link cannot take a program's place: replace updates the link that holds one, -force the link at a path")
	}
	return nil
}

// replaces reports whether the program is to take the place of another.
func (r *multiRequest) replaces() bool {
	return r.Place != nil && r.Place(attach.Ref{}) == attach.Replace(attach.Ref{})
}

func (r *multiRequest) detachGrammar() *grammar.Node {
	which := append(r.Ref.Grammar(),
		r.Program.Selection("the program with the name of the one in this object, which is not loaded"))
	return grammar.Seq(r.hookGrammar(), grammar.Any(
		grammar.Alt(which...).Named("REF").Required(),
		r.revisionGrammar(),
		grammar.Flag("if-exists", &r.IfExists).Help("no error if it is not attached"),
	))
}

func (r *multiRequest) hook(e *env.Env, ifindex int) attach.Hook {
	o := attach.Order{Revision: r.Revision, Which: r.Ref.ref(e)}
	if r.Place != nil {
		o.Anchor = r.Place(o.Which)
	}
	return r.make(ifindex, r.Point == 1, o)
}

// multiAttachRequest is a line that attaches.
type multiAttachRequest struct{ *multiRequest }

func (r *multiAttachRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	return subject.ChangeHooks(ctx, e, new(subject.DevicesRequest), r.Device, r.Prepare)
}

func (r *multiAttachRequest) Loads() subject.Loading { return r.Program.Loading(ebpf.SchedCLS, false) }

func (r *multiAttachRequest) Prepare(_ context.Context, e *env.Env) (*subject.Change, error) {
	if err := subject.CheckKeep(r.Keep, r.replaces() || e.Replace && r.Link != "", "say replace REF, or -force with link PATH"); err != nil {
		return nil, err
	}
	r.Program.Alone = true
	return r.change(e, func() (*subject.Source, error) { return r.Program.Source(e, ebpf.SchedCLS, 0) })
}

func (r *multiRequest) runDetach(ctx context.Context, e *env.Env) (any, error) {
	return subject.ChangeHooks(ctx, e, new(subject.DevicesRequest), r.Device, func(context.Context, *env.Env) (*subject.Change, error) {
		return r.change(e, func() (*subject.Source, error) { return nil, r.nameInObject(e) })
	})
}

// change is that of one program on the hook; find returns no source to detach it.
func (r *multiRequest) change(e *env.Env, find func() (*subject.Source, error)) (*subject.Change, error) {
	_, dev, err := e.Link(r.Device)
	if err != nil {
		return nil, err
	}
	e.Known().AddLink(dev)
	c := &subject.Change{Subject: r.Device, IfExists: r.IfExists, Holders: true}
	if c.Source, err = find(); err != nil {
		return nil, err
	}
	c.Plans = []attach.Plan{{
		Source: c.Source.Plan(), Hook: r.hook(e, dev.Index),
		Replace: e.Replace, Idempotent: e.Idempotent, Link: subject.PinPath(e, r.Link), Keep: subject.PinPath(e, r.Keep),
	}}
	c.One = func(o *attach.Outcome) any { return r.outcome(e, c.Source, o) }
	return c, nil
}

func (r *multiRequest) outcome(e *env.Env, from *subject.Source, o *attach.Outcome) *multiReport {
	report := &multiReport{Device: o.Device, Ifindex: o.Ifindex, Hook: r.command + "/" + r.points[r.Point]}
	a := o.Attachment
	if a == nil {
		return report
	}
	report.Position, report.Revision, report.Link = a.Multi.Position, a.Multi.Revision, subject.DescribeLink(e, a.Link)
	if from == nil {
		report.Detached = subject.ReportProgram(&a.Program)
		return report
	}
	report.Program, report.Replaced = subject.ReportProgram(&a.Program), subject.ReportProgram(a.Replaced)
	report.Maps, report.Unchanged = subject.ReportMaps(from.Maps(), a.Unchanged), a.Unchanged
	report.Kept = subject.ReportKept(e, a, func(path string) []string {
		words := []string{r.command, "attach", "dev", a.Device, r.points[r.Point], "pinned", path}
		if r.Link != "" {
			return slices.Concat([]string{"-force"}, words, []string{"link", subject.PinPath(e, r.Link)})
		}
		return append(words, "replace", "id", strconv.FormatUint(uint64(a.Program.ID), 10))
	})
	return report
}

// nameInObject looks the program's name up in its object: the kernel knows
// nothing of files and sections.
func (r *multiRequest) nameInObject(e *env.Env) error {
	if r.Program.File == "" {
		return nil
	}
	obj, err := r.Program.Object(e)
	if err != nil {
		return err
	}
	p, err := obj.Program(r.Program.Selector(ebpf.SchedCLS))
	if err != nil {
		return &env.ObjectError{Object: r.Program.Name(), Err: err}
	}
	r.Ref.Name = p.Name
	return nil
}

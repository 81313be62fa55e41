package tccmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

func filterDeleteCommand() env.Command {
	return env.Command{
		Name:        "tc filter delete|del",
		Options:     "details brief echo",
		Summary:     "detach classifiers from a device",
		Description: `Deletes one filter, named by pref, handle and kind; or those with the name of a program, FILE:[SECTION], or that run a loaded one; or all of a pref; or, with none of these, all of a hook's chain, whoever they belong to. What was deleted is printed. The qdisc stays. Of several devices each that refuses is named, and the status is 2.`,
		Examples: []grammar.Example{
			{Line: "xdpload tc filter del dev eth0 ingress bpf obj foo.o", Help: "detach what was attached from foo.o, and leave the filters of others"},
			{Line: "xdpload tc filter del dev eth0 ingress pref 49152 handle 1 bpf", Help: "detach one filter"},
		},
		Lines: filterLines((*filterRequest).deleteGrammar, (*filterRequest).runDelete),
	}
}

func (r *filterRequest) deleteGrammar() *grammar.Node {
	handle, pref, protocol := r.identityGrammar()
	p := &r.Code.Program
	named := grammar.Any(
		grammar.Alt(append(p.OpenGrammar(), p.Selection("those with the name of a program of this object, which is not loaded"))...),
		grammar.Flag("direct-action", &r.Direct).Alias("da").Help("only those whose program's return value is the verdict"),
	)
	return grammar.Any(
		r.devicesGrammar().Required(),
		r.parentGrammar(),
		handle, pref, protocol, r.chainGrammar(),
		grammar.Const("bpf", &r.Kind, "bpf", named).Exact().Help("a BPF classifier"),
		grammar.Value("KIND", grammar.String(&r.Kind)).Accept(isClassifier).Hidden(),
		grammar.Flag("if-exists", &r.IfExists).Help("no error if it is not attached"),
	).Check(r.checkDelete)
}

func (r *filterRequest) checkDelete() error {
	if err := r.checkDevices(); err != nil {
		return err
	}
	switch {
	case r.Handle != nil && r.Kind == "":
		return errors.New("handle needs the filter's kind: bpf")
	case r.Handle != nil && r.Pref == 0:
		return errors.New("handle needs the filter's pref")
	case r.Handle != nil && r.Code.given():
		return errors.New("name the filter by its handle or by its program, not by both")
	case r.Direct && !r.Code.given():
		return errors.New("direct-action needs the program that the filter runs: bpf da obj FILE")
	case r.Pref == 0 && r.Kind != "" && !r.Code.given():
		return errors.New("kind bpf needs a pref, or the program that the filter runs: bpf obj FILE")
	}
	return nil
}

func (r *filterRequest) runDelete(ctx context.Context, e *env.Env) (any, error) {
	if r.Devices.Several() {
		return r.runDeleteMany(ctx, e)
	}
	return r.delete(ctx, e)
}

// delete takes it for done, with if-exists, that there is no such filter.
func (r *filterRequest) delete(ctx context.Context, e *env.Env) (manyFilters, error) {
	conn, ifindex, err := r.Find(e)
	if err != nil {
		return nil, err
	}
	hook, err := r.key(e, conn, ifindex) // as long as it is there
	if err != nil {
		return nil, err
	}
	deleted, err := r.deleteFound(ctx, e, hook)
	if r.IfExists && noFilter(err) {
		return manyFilters{r.deleted(hook, nil)}, nil
	}
	return deleted, err
}

func (r *filterRequest) deleteFound(ctx context.Context, e *env.Env, hook string) (manyFilters, error) {
	conn, ifindex, err := r.locate(e)
	if err != nil {
		return nil, err
	}
	filters, err := r.matching(conn, e, ifindex)
	if err != nil {
		return nil, err
	}
	report, echo := r.deleted(hook, filters), manyFilters{} // while the programs are there to be asked about
	if e.Echo {                                             // what the kernel tells all who listen
		view := newFilterView(e, conn, echoed)
		for _, f := range filters {
			echo = append(echo, view.event(&netlink.Event{Change: netlink.Deleted, Filter: f}))
		}
	}
	if r.Code.given() {
		err = deleteEach(conn, filters)
	} else {
		f := r.filter(ifindex)
		err = conn.DeleteFilter(&f)
	}
	err = subject.Made(e, err, func() (bool, error) {
		left, err := r.matching(conn, e, ifindex)
		return len(left) == 0 && (err == nil || noFilter(err)), err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range report.programs {
		subject.Release(ctx, e, conn, &p)
	}
	if e.Echo {
		return echo, nil
	}
	return manyFilters{report}, nil
}

// matching lists what a delete is about.
func (r *filterRequest) matching(conn *netlink.Conn, e *env.Env, ifindex int) ([]*netlink.Filter, error) {
	if r.Code.given() {
		return r.running(conn, e, ifindex)
	}
	filters, err := r.inChain(conn, ifindex, func(f *netlink.Filter) bool { return r.Handle == nil || f.Handle == *r.Handle })
	if errors.Is(err, unix.EMSGSIZE) {
		err = nil // what cannot be listed can be deleted
	}
	return filters, err
}

// inChain lists the filters of the chain that are wanted, up to an error.
func (r *filterRequest) inChain(conn *netlink.Conn, ifindex int, want func(*netlink.Filter) bool) ([]*netlink.Filter, error) {
	query := r.query(ifindex)
	query.Chain = new(r.chain())
	var filters []*netlink.Filter
	for f, err := range conn.Filters(query) {
		if err != nil {
			return filters, err
		}
		if !f.Head && want(f) {
			filters = append(filters, f)
		}
	}
	return filters, nil
}

// noFilter tells that there is no filter that was to be deleted, and maybe no
// qdisc to have one.
func noFilter(err error) bool {
	if errors.Is(err, errNoFilter) || noEgress(err) {
		return true
	}
	x, ok := errors.AsType[*netlink.Error](err)
	return ok && (errors.Is(x, os.ErrNotExist) && x.Errno() != unix.ENODEV || strings.HasPrefix(x.Message, "Parent Qdisc doesn't exist"))
}

// errNoFilter says that a filter that was named is not there.
var errNoFilter = errors.New("no such filter")

// running lists the filters that run the program which the line names: by the name that
// they got from its file or pin, or by the program's id.
func (r *filterRequest) running(conn *netlink.Conn, e *env.Env, ifindex int) (filters []*netlink.Filter, err error) {
	p := &r.Code.Program
	name, does := "", "runs "+p.Name()
	var id uint32
	if p.Loaded.Numbered() {
		id, err = p.Loaded.Find(ebpf.SchedCLS)
	} else {
		name, err = filterName(p, e, ebpf.SchedCLS)
		does = "has the name " + name
	}
	if err != nil {
		return nil, err
	}
	filters, err = r.inChain(conn, ifindex, func(f *netlink.Filter) bool {
		return f.BPF != nil && (f.BPF.Direct || !r.Direct) && (f.BPF.ProgramID == id && id != 0 || f.BPF.Name == name && id == 0)
	})
	if err == nil && len(filters) == 0 {
		err = fmt.Errorf("%w: none on %s %s", errNoFilter, r.Name(), does)
	}
	return filters, err
}

// deleteEach takes it that someone else may be deleting too. An answer that is lost is
// returned when all are asked for.
func deleteEach(conn *netlink.Conn, filters []*netlink.Filter) (lost error) {
	for _, f := range filters {
		err := conn.DeleteFilter(&netlink.Filter{
			Ifindex: f.Ifindex, Parent: f.Parent, Block: f.Block, Chain: f.Chain,
			Pref: f.Pref, Protocol: f.Protocol, Handle: f.Handle, Kind: f.Kind,
		})
		switch {
		case netlink.Unanswered(err):
			lost = err
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	return lost
}

// filtersDeleted is what was deleted, and of whom.
type filtersDeleted struct {
	Device  string          `json:"device,omitempty"`
	Block   uint32          `json:"block,omitempty"`
	Hook    string          `json:"hook,omitempty"`
	Deleted []deletedFilter `json:"deleted"`

	hook     string
	programs []prog.Info
}

// filterIdentity tells a filter from others. It has tc's keys.
type filterIdentity struct {
	Protocol string `json:"protocol" always:"protocol %s"`
	Pref     uint16 `json:"pref" always:" pref %d"`
	Kind     string `json:"kind"`
	Chain    uint32 `json:"chain" always:" chain %d"`
	Handle   string `json:"handle" always:" handle %s"`
	Name     string `json:"bpf_name,omitempty" text:" %s"`
}

func identity(f *netlink.Filter) filterIdentity {
	i := filterIdentity{Protocol: f.Protocol.String(), Pref: f.Pref, Kind: f.Kind, Chain: f.Chain, Handle: subject.HandleText(f.Handle)}
	if f.BPF != nil {
		i.Name = f.BPF.Name
	}
	return i
}

type deletedFilter struct {
	filterIdentity
	Program *subject.ProgramReport `json:"program,omitempty"`
}

func (*filtersDeleted) Changes() {}

func (r *filterRequest) deleted(hook string, filters []*netlink.Filter) *filtersDeleted {
	var known attach.Inventory
	report := &filtersDeleted{
		Device: r.Device, Block: r.Block, Hook: hook, Deleted: []deletedFilter{}, hook: r.Name(),
	}
	for _, f := range filters {
		d := deletedFilter{filterIdentity: identity(f)}
		if f.BPF != nil && f.BPF.ProgramID != 0 {
			p := known.Program(f.BPF.ProgramID)
			report.programs = append(report.programs, p)
			d.Program = subject.ReportProgram(&p)
		}
		report.Deleted = append(report.Deleted, d)
	}
	return report
}

// WriteText prints how many, and a line for each.
func (r *filtersDeleted) WriteText(t *render.Text, o render.Options) {
	t.Printf("%s: %s\n", r.hook, r.outcome(o.Brief))
}

// outcome says what was deleted, and in brief how much.
func (r *filtersDeleted) outcome(brief bool) string {
	var t render.Text
	t.Printf("deleted %s", subject.Count(len(r.Deleted), "filter"))
	for _, d := range r.Deleted {
		if brief {
			break
		}
		t.Printf("\n  protocol %s pref %d %s chain %d handle %s", d.Protocol, d.Pref, d.Kind, d.Chain, d.Handle)
		t.If(d.Name != "", " %s", d.Name)
		t.If(d.Program != nil, ", program %v", d.Program)
	}
	return t.String()
}

// runDeleteMany deletes on one device after the other.
func (r *filterRequest) runDeleteMany(ctx context.Context, e *env.Env) (any, error) {
	links, failed, err := r.Devices.Resolve(e, true)
	if err != nil {
		return nil, subject.ManyFailed(ctx, r.Devices.String(), err)
	}
	of := len(links) + len(failed)
	list := manyFilters{}
	for _, l := range links {
		r.Device = l.Name
		deleted, err := r.delete(ctx, e)
		if err != nil {
			failed = append(failed, subject.DeviceFailure{Device: l.Name, Ifindex: l.Index, Err: err})
			continue
		}
		list = append(list, deleted...)
	}
	return subject.ConcludeList(e, list, failed, of)
}

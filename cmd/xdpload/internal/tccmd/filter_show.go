package tccmd

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

func isClassifier(word string) bool { return slices.Contains(classifiers, word) }

func filterGetCommand() env.Command {
	return env.Command{
		Name:        "tc filter get",
		Options:     "details statistics brief",
		Summary:     "show one filter",
		Description: `Shows the filter that has all of hook, protocol, pref, handle and kind, in the form of tc(8).`,
		Examples: []grammar.Example{
			{Line: "xdpload tc filter get dev eth0 ingress protocol all pref 49152 handle 1 bpf", Help: "show it, or fail if it is not there"},
		},
		Lines: filterLines((*filterRequest).getGrammar, (*filterRequest).runGet),
	}
}

func (r *filterRequest) getGrammar() *grammar.Node {
	handle, pref, protocol := r.identityGrammar()
	return grammar.Any(
		r.deviceGrammar().Required(),
		grammar.Seq(r.parentGrammar()),
		protocol.Required(), pref.Required(), handle.Required(), r.chainGrammar(),
		grammar.Alt(
			grammar.Const("bpf", &r.Kind, "bpf").Exact().Help("a BPF classifier"),
			grammar.Value("KIND", grammar.String(&r.Kind)).Accept(isClassifier).Hidden(),
		).Required(),
	).Check(func() error {
		if r.Block == 0 && r.Parent == nil {
			return errors.New("expected ingress, egress, root or parent CLASSID")
		}
		return nil
	})
}

func (r *filterRequest) runGet(ctx context.Context, e *env.Env) (any, error) {
	counted, err := r.Stats.Count(ctx, e)
	if err != nil {
		return nil, err
	}
	conn, ifindex, err := r.locate(e)
	if err != nil {
		return nil, err
	}
	f := r.filter(ifindex)
	f.BPF = nil
	got, err := conn.Filter(&f)
	if err != nil {
		return nil, err
	}
	view := newFilterView(e, conn, netlink.FilterQuery{Ifindex: ifindex})
	view.programs.Counted = counted
	return filterReports{view.report(got)}, nil
}

func filterShowCommand() env.Command {
	return env.Command{
		Name:    "tc filter show|list|lst",
		Options: "details statistics brief",
		Default: true,
		Summary: "show filters and the programs that they run",
		Description: `Shows the filters of a hook in the form of tc(8), with the load time, the maps and the pins of each program beside it. Without a hook it shows those of what comes in, of what goes out, and of every qdisc and class of the queue, and without a device those of all devices. (tc shows those of the root qdisc only.)

A plain user sees the ids and tags of programs only.`,
		Examples: []grammar.Example{
			{Line: "xdpload tc filter show dev eth0", Help: "every filter of eth0"},
			{Line: "xdpload -brief tc filter show dev eth0 ingress", Help: "one line for each filter"},
		},
		Lines: filterLines((*filterRequest).showGrammar, (*filterRequest).runShow),
	}
}

func (r *filterRequest) showGrammar() *grammar.Node {
	handle, pref, protocol := r.identityGrammar()
	return grammar.Any(
		r.deviceGrammar(), r.parentGrammar(),
		handle.Help("only those with this number"), pref.Help("only those of this pref"),
		protocol.Help("only those for this protocol"), r.chainGrammar().Help("only those of this chain"),
		r.Stats.Grammar(),
	)
}

func (r *filterRequest) runShow(ctx context.Context, e *env.Env) (any, error) {
	counted, err := r.Stats.Count(ctx, e)
	if err != nil {
		return nil, err
	}
	conn, ifindex := (*netlink.Conn)(nil), 0
	if r.Device == "" && r.Block == 0 {
		conn, err = e.Netlink()
	} else {
		conn, ifindex, err = r.locate(e)
	}
	if noEgress(err) {
		return filterReports{}, nil
	}
	if err != nil {
		return nil, err
	}
	queries, err := r.queries(conn, e, ifindex)
	if err != nil {
		return nil, err
	}
	list := filterReports{} // never null in JSON
	for _, q := range queries {
		view := newFilterView(e, conn, q.shown)
		view.programs.Counted = counted
		for f, err := range conn.Filters(q.FilterQuery) {
			if errors.Is(err, unix.EMSGSIZE) {
				e.Warn("%s: %v", r.subject(), err)
				break
			}
			if err != nil {
				return nil, err
			}
			if r.Handle != nil && f.Handle != *r.Handle {
				continue
			}
			f.Parent = q.honest(f.Parent)
			list = append(list, view.report(f))
		}
	}
	if len(list) == 0 {
		return list, r.checkBlock(conn)
	}
	return list, nil
}

// A filterQuery is one list that the kernel is asked for.
type filterQuery struct {
	netlink.FilterQuery
	// shown is what the user asked for, and need not be told.
	shown netlink.FilterQuery
	// ingressOnly means that the qdisc has no egress: the kernel calls every
	// filter there by the hook that was named last.
	ingressOnly bool
}

func (q *filterQuery) honest(p netlink.Parent) netlink.Parent {
	if q.ingressOnly && p == netlink.Egress {
		return netlink.Ingress
	}
	return p
}

func (r *filterRequest) query(ifindex int) netlink.FilterQuery {
	return netlink.FilterQuery{
		Ifindex: ifindex, Parent: r.parent(), Block: r.Block, Chain: r.Chain, Pref: r.Pref, Protocol: r.Protocol,
	}
}

func (r *filterRequest) queries(conn *netlink.Conn, e *env.Env, ifindex int) ([]filterQuery, error) {
	all := r.query(ifindex)
	q := filterQuery{FilterQuery: all, shown: all}
	if r.Block != 0 || r.Parent != nil || e.Tool.Foreign() {
		return []filterQuery{q}, nil
	}
	places, err := new(attach.Inventory).FilterPlaces(conn, ifindex)
	if err != nil {
		return nil, err
	}
	var queries []filterQuery
	for _, p := range places {
		q.Ifindex, q.Parent, q.ingressOnly = p.Ifindex, p.Parent, p.Qdisc == "ingress"
		queries = append(queries, q)
	}
	return queries, nil
}

package tccmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// actionsRequest is a line about actions that filters share.
type actionsRequest struct {
	Actions []*actionRequest // to add
	Kind    string
	Indexes []uint32
	Since   uint32 // milliseconds
}

// Actions are the commands about actions that filters share: tc actions add, show and so on.
func Actions() []env.Command {
	const about = "An action that is created by itself stays until it is deleted, and filters share it by its index: \"tc filter add … action bpf index 5\". The kinds are bpf, gact, mirred and police, as far as the kernel has them."
	return []env.Command{
		{
			Name: "tc actions add", Summary: "create actions that filters can share", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc actions add action bpf obj foo.o sec action index 5", Help: "load a program as action 5"}},
			New:      actionsLine((*actionsRequest).setGrammar, setActions((*netlink.Conn).AddActions)),
		},
		{
			Name: "tc actions replace|change", Summary: "create actions, or change those with the same index", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc actions replace action bpf obj foo.o index 5", Help: "have every filter with action 5 run another program"}},
			New:      actionsLine((*actionsRequest).setGrammar, setActions((*netlink.Conn).ReplaceActions)),
		},
		{
			Name: "tc actions delete|del", Summary: "delete actions that no filter uses", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc actions del action bpf index 5", Help: "delete action 5"}},
			New:      actionsLine((*actionsRequest).indexGrammar, (*actionsRequest).runDelete),
		},
		{
			Name: "tc actions get", Options: "details statistics", Summary: "show actions", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc actions get action bpf index 5", Help: "show action 5, or fail if it is not there"}},
			New:      actionsLine((*actionsRequest).indexGrammar, (*actionsRequest).runGet),
		},
		{
			Name: "tc actions show|list|lst|ls", Options: "details statistics", Summary: "show the actions of a kind", Description: about,
			Examples: []grammar.Example{{Line: "xdpload -statistics tc actions show action bpf", Help: "all bpf actions, with their counters"}},
			New:      actionsLine((*actionsRequest).showGrammar, (*actionsRequest).runShow),
		},
		{
			Name: "tc actions flush", Summary: "delete the actions of a kind that no filter uses", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc actions flush action bpf", Help: "delete all bpf actions"}},
			New:      actionsLine((*actionsRequest).kindGrammar, (*actionsRequest).runFlush),
		},
	}
}

func actionsLine(build func(*actionsRequest) *grammar.Node, run func(*actionsRequest, context.Context, *env.Env, *netlink.Conn) (any, error)) func() (*grammar.Node, env.Request) {
	return env.NewRunner(build, func(r *actionsRequest, ctx context.Context, e *env.Env) (any, error) {
		conn, err := e.Netlink()
		if err != nil {
			return nil, err
		}
		return run(r, ctx, e, conn)
	})
}

func (r *actionsRequest) setGrammar() *grammar.Node {
	return grammar.Any(actionGrammar(&r.Actions).Required())
}

func (r *actionsRequest) kind() *grammar.Node {
	var nodes []*grammar.Node
	for _, k := range []struct{ name, help string }{
		{"bpf", "programs of type action"}, {"gact", "verdicts"}, {"mirred", "copies and redirections"}, {"police", "rate limits"},
	} {
		nodes = append(nodes, grammar.Const(k.name, &r.Kind, k.name).Exact().Help(k.help))
	}
	return grammar.Alt(append(nodes, refused("ACTION", "bpf, gact, mirred and police", actionKinds))...).Named("KIND")
}

func (r *actionsRequest) kindGrammar() *grammar.Node {
	return grammar.Word("action", r.kind()).Help("actions of this kind")
}

func (r *actionsRequest) indexGrammar() *grammar.Node {
	var index uint32
	add := func(word string) error {
		err := grammar.Number(&index, 1, math.MaxUint32)(word)
		r.Indexes = append(r.Indexes, index)
		return err
	}
	return grammar.Seq(r.kindGrammar(), grammar.Key("index", "N", add).Repeat().Help("those with this number"))
}

func (r *actionsRequest) showGrammar() *grammar.Node {
	return grammar.Seq(r.kindGrammar(), grammar.Opt(
		grammar.Key("since", "MS", grammar.Number(&r.Since, 1, math.MaxInt32)).Help("only those used in the last MS milliseconds"),
	))
}

// setActions is the run of lines that create or change actions.
func setActions(set func(*netlink.Conn, ...*netlink.Action) ([]*netlink.Action, error)) func(*actionsRequest, context.Context, *env.Env, *netlink.Conn) (any, error) {
	return func(r *actionsRequest, ctx context.Context, e *env.Env, conn *netlink.Conn) (any, error) {
		actions, undo, err := openActions(ctx, e, r.Actions)
		defer undo()
		if err != nil {
			return nil, err
		}
		got, err := set(conn, actions...)
		return &actionsSet{actionList{Actions: newFilterView(e, conn, echoed).actions(1, true, got)}}, err
	}
}

func (r *actionsRequest) runDelete(_ context.Context, e *env.Env, conn *netlink.Conn) (any, error) {
	err := subject.Made(e, conn.DeleteActions(r.Kind, r.Indexes...), func() (bool, error) {
		for _, index := range r.Indexes {
			if _, err := conn.Action(r.Kind, index); !errors.Is(err, os.ErrNotExist) {
				return false, err
			}
		}
		return true, nil
	})
	return &actionsDeleted{Kind: r.Kind, Indexes: r.Indexes}, err
}

func (r *actionsRequest) runFlush(_ context.Context, _ *env.Env, conn *netlink.Conn) (any, error) {
	return &actionsDeleted{Kind: r.Kind, All: true}, conn.FlushActions(r.Kind)
}

func (r *actionsRequest) runGet(_ context.Context, e *env.Env, conn *netlink.Conn) (any, error) {
	var actions []*netlink.Action
	for _, index := range r.Indexes {
		a, err := conn.Action(r.Kind, index)
		if err != nil {
			return nil, err
		}
		actions = append(actions, a)
	}
	return &actionList{Actions: newFilterView(e, conn, echoed).actions(1, true, actions)}, nil
}

func (r *actionsRequest) runShow(_ context.Context, e *env.Env, conn *netlink.Conn) (any, error) {
	actions, err := subject.Collect(conn.Actions(r.Kind, time.Duration(r.Since)*time.Millisecond), nil)
	return &actionList{Total: len(actions), Actions: newFilterView(e, conn, echoed).actions(0, true, actions)}, err
}

// actionList is a list of actions as tc has it.
type actionList struct {
	Total   int // 0 where they were asked for one by one
	Actions []*actionReport
}

// MarshalJSON writes what tc writes.
func (l *actionList) MarshalJSON() ([]byte, error) {
	if len(l.Actions) == 0 {
		return []byte("[]"), nil
	}
	return json.Marshal([]any{
		struct {
			Total int `json:"total acts"`
		}{l.Total},
		struct {
			Actions []*actionReport `json:"actions"`
		}{l.Actions},
	})
}

// WriteText prints what tc prints.
func (l *actionList) WriteText(t *render.Text, _ render.Options) {
	t.If(len(l.Actions) > 0, "total acts %d\n", l.Total)
	writeActions(t, l.Actions)
}

func writeActions(t *render.Text, actions []*actionReport) {
	for _, a := range actions {
		t.WriteByte('\n')
		a.Write(t)
	}
}

// actionsSet is what was added or replaced.
type actionsSet struct{ actionList }

func (*actionsSet) Changes() {}

// actionsDeleted is what was deleted.
type actionsDeleted struct {
	Kind    string   `json:"kind"`
	All     bool     `json:"flushed,omitempty"` // all that no filter uses
	Indexes []uint32 `json:"deleted,omitempty"`
}

func (*actionsDeleted) Changes() {}

// WriteText prints one line.
func (d *actionsDeleted) WriteText(t *render.Text, _ render.Options) {
	if d.All {
		t.Printf("deleted the %s actions that no filter uses\n", d.Kind)
		return
	}
	indexes := strings.ReplaceAll(strings.Trim(fmt.Sprint(d.Indexes), "[]"), " ", ", ")
	t.Printf("deleted %s %s: index %s\n", d.Kind, subject.Plural(len(d.Indexes), "action"), indexes)
}

// changed says what became of the subject of an event.
type changed struct {
	Added    bool `json:"added,omitempty" text:"added "`
	Replaced bool `json:"replaced,omitempty" text:"replaced "`
	Deleted  bool `json:"deleted,omitempty" text:"deleted "`
}

func changedBy(c netlink.Change) changed {
	return changed{Added: c == netlink.Added, Replaced: c == netlink.Replaced, Deleted: c == netlink.Deleted}
}

// actionEvent is a change of actions.
type actionEvent struct {
	changed
	Actions []*actionReport `json:"actions"`

	foreign bool // as tc has it in every respect
}

// WriteText prints what became of them, and the actions as tc does.
func (a *actionEvent) WriteText(t *render.Text, _ render.Options) {
	if a.foreign {
		t.Printf("total acts 0\n%s action ", subject.Capital(render.Fields(&a.changed)))
	} else {
		t.Fields(a)
		t.Printf("%s\n", subject.Plural(len(a.Actions), "action"))
	}
	writeActions(t, a.Actions)
}

package tccmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// qdiscRequest is what changes a clsact or ingress qdisc.
type qdiscRequest struct {
	Device       string
	Kind         string
	Handle       netlink.Handle
	IngressBlock uint32
	EgressBlock  uint32

	done string // "added"
	set  func(*netlink.Conn, *netlink.Qdisc) error
}

// Qdiscs are the commands about clsact and ingress qdiscs: tc qdisc add, show and so on.
func Qdiscs() []env.Command {
	const about = "A clsact qdisc has a hook for what comes in and one for what goes out, and no queue; an ingress qdisc has the former only. A device has one or the other."
	return []env.Command{
		qdiscCommand(env.Command{
			Name: "tc qdisc add", Options: "idempotent", Summary: "create a clsact or ingress qdisc", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc qdisc add dev eth0 clsact", Help: "make room for filters, as tc filter add also does"}},
		}, "added", (*netlink.Conn).AddQdisc),
		qdiscCommand(env.Command{
			Name: "tc qdisc change", Summary: "change a qdisc that is there", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc qdisc change dev eth0 clsact", Help: "nothing, unless the kernel can change its blocks"}},
		}, "changed", (*netlink.Conn).ChangeQdisc),
		qdiscCommand(env.Command{
			Name: "tc qdisc replace", Summary: "create a qdisc, or leave the one that is there",
			Description: about + "\n\nA qdisc that is there keeps its filters, so the command may be repeated.",
			Examples:    []grammar.Example{{Line: "xdpload tc qdisc replace dev eth0 ingress_block 7 clsact", Help: "have what comes in meet the filters of block 7"}},
		}, "replaced", (*netlink.Conn).ReplaceQdisc),
		qdiscCommand(env.Command{
			Name: "tc qdisc link", Summary: "replace a qdisc that is there", Description: about + "\n\nLike replace, but it fails if there is no such qdisc.",
			Examples: []grammar.Example{{Line: "xdpload tc qdisc link dev eth0 clsact", Help: "leave it as it is, or fail if it is not there"}},
		}, "linked", (*netlink.Conn).LinkQdisc),
		qdiscCommand(env.Command{
			Name: "tc qdisc delete|del", Summary: "delete a qdisc and all filters on it",
			Description: about + "\n\nThe filters of everyone go with it: \"tc filter delete\" deletes one's own.",
			Examples:    []grammar.Example{{Line: "xdpload tc qdisc del dev eth0 clsact", Help: "detach every classifier of eth0"}},
		}, "deleted", (*netlink.Conn).DeleteQdisc),
		qdiscShowCommand(),
	}
}

func qdiscCommand(c env.Command, done string, set func(*netlink.Conn, *netlink.Qdisc) error) env.Command {
	c.New = env.New(func(r *qdiscRequest) *grammar.Node {
		r.done, r.set = done, set
		return r.Grammar()
	})
	return c
}

func (r *qdiscRequest) Grammar() *grammar.Node {
	return grammar.Any(
		grammar.Key("dev", "DEV", grammar.String(&r.Device)).Exact().Completes(grammar.Device).Required().
			Help("the device"),
		grammar.Key("handle", "HANDLE", grammar.Text(&r.Handle)).Exact().
			Help("ffff:, which is what the qdisc has in any case"),
		grammar.Key("ingress_block", "N", grammar.Number(&r.IngressBlock, 1, math.MaxUint32)).
			Help("the block of filters for what comes in, shared with other qdiscs"),
		grammar.Key("egress_block", "N", grammar.Number(&r.EgressBlock, 1, math.MaxUint32)).
			Help("the block of filters for what goes out"),
		grammar.Alt(
			grammar.Const("clsact", &r.Kind, "clsact").Exact().Help("hooks for what comes in and what goes out"),
			grammar.Const("ingress", &r.Kind, "ingress").Exact().Help("a hook for what comes in"),
			refused("QDISC", "clsact and ingress", qdiscKinds),
		).Required(),
		estimator(),
	).Check(func() error {
		if r.Handle != 0 && r.Handle != netlink.MakeHandle(0xffff, 0) {
			return fmt.Errorf("handle %s: a %s qdisc has the handle ffff: and no other", r.Handle, r.Kind)
		}
		return nil
	})
}

// qdiscKinds are those that tc knows and this program does not.
var qdiscKinds = []string{
	"bfifo", "cake", "cbs", "choke", "codel", "drr", "ets", "etf", "fq", "fq_codel", "fq_pie", "gred", "hfsc",
	"hhf", "htb", "mq", "mqprio", "multiq", "netem", "noqueue", "pfifo", "pfifo_fast", "pie", "plug", "prio", "qfq",
	"red", "root", "sfb", "sfq", "skbprio", "taprio", "tbf",
}

// refused is a value that takes the names that tc knows, to refuse them by
// their name.
func refused(value, offered string, names []string) *grammar.Node {
	return grammar.Value(value, func(string) error {
		return fmt.Errorf("that is for tc(8), here is only %s", offered)
	}).Accept(func(word string) bool { return slices.Contains(names, word) }).Hidden()
}

// estimator refuses tc's rate estimators, in each of its short forms.
func estimator() *grammar.Node {
	return grammar.Value("ESTIMATOR", func(string) error {
		return errors.New("rates are not estimated here: actions count packets and bytes (-statistics), police limits a rate")
	}).Accept(func(word string) bool { return word != "" && strings.HasPrefix("estimator", word) }).Hidden()
}

func (r *qdiscRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	report, err := r.change(ctx, e)
	return report, env.About(r.Device, err)
}

func (r *qdiscRequest) change(ctx context.Context, e *env.Env) (*qdiscChange, error) {
	conn, dev, err := e.Link(r.Device)
	if err != nil {
		return nil, err
	}
	q := netlink.Clsact(dev.Index)
	q.Kind, q.IngressBlock, q.EgressBlock = r.Kind, r.IngressBlock, r.EgressBlock
	var lost []*attach.Attachment
	if r.done == "deleted" {
		var known attach.Inventory
		if lost, err = known.Classifiers(conn, dev); err != nil {
			return nil, err
		}
	}
	report := &qdiscChange{
		Device: dev.Name, Ifindex: dev.Index, Change: r.done, Kind: r.Kind, Handle: q.Handle.String(),
		IngressBlock: r.IngressBlock, EgressBlock: r.EgressBlock,
	}
	e.Known().Enter()
	err = subject.Made(e, r.set(conn, q), func() (bool, error) {
		there, err := r.there(conn, dev)
		return err == nil && there != (r.done == "deleted"), err
	})
	if err != nil {
		if there, _ := r.there(conn, dev); !e.Idempotent || !errors.Is(err, os.ErrExist) || !there {
			return nil, r.explain(conn, dev, err)
		}
		report.Unchanged = true
	}
	for _, a := range lost {
		report.Filters = append(report.Filters, a.Program.ID)
		subject.Release(ctx, e, conn, &a.Program)
	}
	return report, nil
}

// there reports whether the device has the qdisc of the line.
func (r *qdiscRequest) there(conn *netlink.Conn, dev *netlink.Link) (bool, error) {
	for q, err := range conn.Qdiscs(dev.Index) {
		if err != nil {
			return false, err
		}
		if q.Parent == netlink.HandleClsact {
			return q.Kind == r.Kind && q.IngressBlock == r.IngressBlock && q.EgressBlock == r.EgressBlock, nil
		}
	}
	return false, nil
}

// explain says which of the two kinds of qdisc is there.
func (r *qdiscRequest) explain(conn *netlink.Conn, dev *netlink.Link, err error) error {
	if _, ok := errors.AsType[*netlink.Error](err); !ok {
		return err
	}
	for q, listErr := range conn.Qdiscs(dev.Index) {
		switch {
		case listErr != nil || q.Parent != netlink.HandleClsact:
		case q.Kind == r.Kind:
			return fmt.Errorf("%w; the device has a %s qdisc", err, q.Kind)
		default:
			return env.WithHints(fmt.Errorf("%w; the device has a qdisc of the other kind, %s", err, q.Kind),
				fmt.Sprintf("xdpload tc qdisc del dev %s %s makes room, and deletes its filters", render.Shell(dev.Name), q.Kind))
		}
	}
	if r.done == "deleted" {
		return fmt.Errorf("%w; the device has neither a clsact nor an ingress qdisc", err)
	}
	return err
}

// qdiscChange is what changed on a device.
type qdiscChange struct {
	Device       string   `json:"device" always:"%s:"`
	Ifindex      int      `json:"ifindex"`
	Change       string   `json:"change" always:" %s"` // what it would have been, if unchanged
	Unchanged    bool     `json:"unchanged,omitempty"` // -idempotent: it was there
	Kind         string   `json:"kind" always:" %s qdisc"`
	Handle       string   `json:"handle"`
	IngressBlock uint32   `json:"ingress_block,omitempty" text:" ingress_block %d"`
	EgressBlock  uint32   `json:"egress_block,omitempty" text:" egress_block %d"`
	Filters      []uint32 `json:"deleted_programs,omitempty"` // the programs of filters that went with it
}

func (*qdiscChange) Changes() {}

// WriteText prints one line.
func (r *qdiscChange) WriteText(t *render.Text, _ render.Options) {
	shown := *r
	if r.Unchanged {
		shown.Change = "unchanged"
	}
	t.Fields(&shown)
	t.If(len(r.Filters) > 0, " with %s", subject.Count(len(r.Filters), "filter"))
	t.WriteByte('\n')
}

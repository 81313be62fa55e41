package tccmd

import (
	"context"
	"slices"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// chainRequest is a line about chains of filters.
type chainRequest struct{ hookRequest }

// Chains are the commands about chains of filters: tc chain add, show and so on.
func Chains() []env.Command {
	const about = "A hook's filters are in numbered chains. Packets enter chain 0, and another one by an action's \"goto chain N\". A chain is created with its first filter, so only an empty one needs a command."
	return []env.Command{
		{
			Name: "tc chain add", Summary: "create an empty chain", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc chain add dev eth0 ingress chain 5", Help: "create chain 5"}},
			New:      chainLine(true, changeChain("added", (*netlink.Conn).AddChain)),
		},
		{
			Name: "tc chain delete|del", Summary: "delete a chain and its filters", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc chain del dev eth0 ingress chain 5", Help: "delete chain 5, whoever its filters belong to"}},
			New:      chainLine(true, changeChain("deleted", (*netlink.Conn).DeleteChain)),
		},
		{
			Name: "tc chain get", Summary: "show one chain", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc chain get dev eth0 ingress chain 5", Help: "show it, or fail if it is not there"}},
			New:      chainLine(true, (*chainRequest).runGet),
		},
		{
			Name: "tc chain show|list|lst", Default: true, Summary: "show the chains of a hook", Description: about,
			Examples: []grammar.Example{{Line: "xdpload tc chain show dev eth0 ingress", Help: "the chains of what comes in, which are listed with those of what goes out"}},
			New:      chainLine(false, (*chainRequest).runShow),
		},
	}
}

func chainLine(one bool, run func(*chainRequest, *env.Env) (any, error)) func() (*grammar.Node, env.Request) {
	build := func(r *chainRequest) *grammar.Node { return r.Grammar(one) }
	return env.NewRunner(build, func(r *chainRequest, _ context.Context, e *env.Env) (any, error) {
		report, err := run(r, e)
		return report, env.About(r.subject(), err)
	})
}

func (r *chainRequest) Grammar(one bool) *grammar.Node {
	chain := r.chainGrammar()
	if one {
		chain.Required()
	}
	return grammar.Any(r.deviceGrammar().Required(), r.parentGrammar(), chain)
}

// on is where the chain is.
func (r *chainRequest) on(e *env.Env) (*netlink.Conn, *netlink.Chain, error) {
	conn, ifindex, err := r.locate(e)
	return conn, &netlink.Chain{Ifindex: ifindex, Parent: r.parent(), Block: r.Block, Index: r.chain()}, err
}

// changeChain is the run of lines that change a chain.
func changeChain(done string, set func(*netlink.Conn, *netlink.Chain) error) func(*chainRequest, *env.Env) (any, error) {
	return func(r *chainRequest, e *env.Env) (any, error) {
		conn, chain, err := r.on(e)
		if err != nil {
			return nil, err
		}
		hook, err := r.key(e, conn, chain.Ifindex)
		if err == nil {
			err = subject.Made(e, set(conn, chain), func() (bool, error) {
				all, err := subject.Collect(conn.Chains(chain), nil)
				there := slices.ContainsFunc(all, func(c *netlink.Chain) bool { return c.Index == chain.Index })
				return err == nil && there != (done == "deleted"), err
			})
		}
		return &chainChange{Device: r.Device, Block: r.Block, Hook: hook, Change: done, Chain: chain.Index, hook: r.Name()}, err
	}
}

func (r *chainRequest) runGet(e *env.Env) (any, error) {
	conn, chain, err := r.on(e)
	if err != nil {
		return nil, err
	}
	got, err := conn.Chain(chain)
	if err != nil {
		return nil, err
	}
	return render.List[*chainReport]{reportChain(got, &deviceNames{conn: conn, queried: chain.Ifindex, foreign: e.Tool.Foreign()}, netlink.FilterQuery{})}, nil
}

func (r *chainRequest) runShow(e *env.Env) (any, error) {
	conn, on, err := r.on(e)
	var list render.List[*chainReport]
	if noEgress(err) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	names := &deviceNames{conn: conn, queried: on.Ifindex, foreign: e.Tool.Foreign()}
	for chain, err := range conn.Chains(on) {
		if err != nil {
			return nil, err
		}
		if r.Chain == nil || *r.Chain == chain.Index {
			list = append(list, reportChain(chain, names, netlink.FilterQuery{Parent: on.Parent, Block: on.Block, Chain: r.Chain}))
		}
	}
	if len(list) == 0 {
		return list, r.checkBlock(conn)
	}
	return list, nil
}

// chainChange is what became of a chain.
type chainChange struct {
	Device string `json:"device,omitempty"`
	Block  uint32 `json:"block,omitempty"`
	Hook   string `json:"hook,omitempty"`
	Change string `json:"change"`
	Chain  uint32 `json:"chain"`

	hook string
}

func (*chainChange) Changes() {}

// WriteText prints one line.
func (c *chainChange) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%s: %s chain %d\n", c.hook, c.Change, c.Chain)
}

// chainReport has the keys of `tc -json chain`.
type chainReport struct {
	changed
	_     struct{} `always:"chain "`
	Block uint32   `json:"block,omitempty" text:"block %d "`
	deviceKey
	Parent string  `json:"parent,omitempty" text:"parent %s "`
	Chain  *uint32 `json:"chain,omitempty" text:"chain %d "`
	Kind   string  `json:"kind,omitempty" text:"%s "`
}

func reportChain(c *netlink.Chain, names *deviceNames, query netlink.FilterQuery) *chainReport {
	r := &chainReport{Kind: c.Kind}
	switch {
	case c.Block == 0:
		r.deviceKey = names.key(c.Ifindex)
		if query.Parent == 0 || c.Parent != query.Parent {
			r.Parent = c.Parent.String()
		}
	case c.Block != query.Block:
		r.Block = c.Block
	}
	if query.Chain == nil || *query.Chain != c.Index {
		r.Chain = &c.Index
	}
	return r
}

// WriteText prints what tc prints.
func (r *chainReport) WriteText(t *render.Text, _ render.Options) {
	t.Fields(r)
	t.WriteByte('\n')
}

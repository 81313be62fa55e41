package netlink

import (
	"fmt"
	"iter"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Chain is a numbered list of filters on a hook. Packets enter chain 0, and
// others by a "goto chain" verdict.
type Chain struct {
	// Ifindex and Parent are the hook; or Block, if it is not 0, a shared block.
	// In a reply Parent is the qdisc's handle, which does not say whether the
	// chain is on its ingress or its egress.
	Ifindex int
	Parent  Parent
	Block   uint32

	Index uint32
	// Kind is the classifier of the chain's template, empty for none.
	Kind string
}

// AddChain creates an empty chain. One that was created before is [os.ErrExist].
func (c *Conn) AddChain(ch *Chain) error {
	return c.change(chainRequest("add chain", unix.RTM_NEWCHAIN, netlink.Create|netlink.Excl, ch))
}

// DeleteChain deletes a chain and its filters.
func (c *Conn) DeleteChain(ch *Chain) error {
	return c.change(chainRequest("delete chain", unix.RTM_DELCHAIN, 0, ch))
}

// Chain finds the chain that ch identifies.
func (c *Conn) Chain(ch *Chain) (*Chain, error) {
	return get(c, chainRequest("get chain", unix.RTM_GETCHAIN, netlink.Echo|netlink.Acknowledge, ch), (*Chain).decode)
}

// Chains lists the chains of a hook, whose Index is ignored.
func (c *Conn) Chains(on *Chain) iter.Seq2[*Chain, error] {
	return sequence(func() ([]*Chain, error) {
		r := tcRequest("list chains", unix.RTM_GETCHAIN, 0, hook(on.Ifindex, on.Block, on.Parent))
		return list(c, r, (*Chain).decode)
	})
}

func chainRequest(op string, typ uint16, flags netlink.HeaderFlags, ch *Chain) request {
	r := tcRequest(op, typ, flags, hook(ch.Ifindex, ch.Block, ch.Parent))
	r.u32(unix.TCA_CHAIN, ch.Index)
	if ch.Kind != "" {
		r.string(unix.TCA_KIND, ch.Kind)
	}
	return r
}

func (ch *Chain) decode(b []byte) error {
	m, d, err := decodeTcmsg(b)
	if err != nil {
		return err
	}
	ch.Ifindex, ch.Block, ch.Parent = m.where()
	for d.next() {
		switch d.typ {
		case unix.TCA_CHAIN:
			ch.Index = d.u32()
		case unix.TCA_KIND:
			ch.Kind = d.string()
		}
	}
	if d.err != nil {
		return fmt.Errorf("chain of device %d: %w", ch.Ifindex, d.err)
	}
	return nil
}

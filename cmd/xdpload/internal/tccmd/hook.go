package tccmd

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// hookRequest is where filters and chains are.
type hookRequest struct {
	Device string
	Block  uint32
	Parent *netlink.Parent // nil where none is named, which stands for the root qdisc
	Chain  *uint32         // nil for chain 0
}

func (r *hookRequest) deviceGrammar() *grammar.Node {
	return grammar.Alt(
		grammar.Key("dev", "DEV", grammar.String(&r.Device)).Exact().Completes(grammar.Device).
			Help("the device"),
		grammar.Key("block", "N", grammar.Number(&r.Block, 1, math.MaxUint32)).
			Help("the block of filters that several qdiscs share"),
	)
}

func (r *hookRequest) parentGrammar() *grammar.Node {
	return grammar.Alt(
		grammar.Choice("ingress", &r.Parent, netlink.Ingress).Exact().Help("packets that come in, of a clsact or ingress qdisc"),
		grammar.Choice("egress", &r.Parent, netlink.Egress).Exact().Help("packets that go out, of a clsact qdisc"),
		grammar.Choice("root", &r.Parent, netlink.Root).Exact().Help("the root qdisc"),
		grammar.Key("parent", "CLASSID", grammar.TextPointer(&r.Parent)).Exact().
			Help("a qdisc or class: MAJOR:MINOR, in hexadecimal"),
	)
}

func (r *hookRequest) chainGrammar() *grammar.Node {
	return grammar.Key("chain", "N", grammar.Pointer(&r.Chain, 0, math.MaxUint32)).
		Help("the chain of filters; packets enter chain 0")
}

// Name is what the hook is called in messages: "v0 ingress".
func (r *hookRequest) Name() string {
	switch {
	case r.Block != 0:
		return fmt.Sprintf("block %d", r.Block)
	case r.parent() == 0:
		return r.Device + " root"
	case *r.Parent == netlink.Ingress || *r.Parent == netlink.Egress:
		return r.Device + " " + r.Parent.String()
	}
	return r.Device + " parent " + strings.TrimSuffix(r.Parent.String(), ":")
}

// subject is what errors are about.
func (r *hookRequest) subject() string {
	if r.Block != 0 {
		return r.Name()
	}
	return r.Device
}

// checkBlock looks whether a block that is named is there: the kernel lists nothing
// of one that is not, as of an empty one.
func (r *hookRequest) checkBlock(conn *netlink.Conn) error {
	if r.Block == 0 {
		return nil
	}
	for q, err := range conn.Qdiscs(0) {
		if err != nil || q.IngressBlock == r.Block || q.EgressBlock == r.Block {
			return err
		}
	}
	return &env.BlockError{Block: r.Block}
}

// locate finds the device and checks that it has the hook, if only one kind of
// qdisc has it. ifindex is 0 for a block.
func (r *hookRequest) locate(e *env.Env) (conn *netlink.Conn, ifindex int, err error) {
	if conn, ifindex, err = r.Find(e); err == nil && r.Block == 0 {
		err = attach.CheckHook(conn, ifindex, r.parent())
	}
	return conn, ifindex, err
}

// Find looks the device up. ifindex is 0 for a block.
func (r *hookRequest) Find(e *env.Env) (conn *netlink.Conn, ifindex int, err error) {
	if r.Block != 0 {
		conn, err = e.Netlink()
		return conn, 0, err
	}
	return e.Device(r.Device)
}

// key is the hook in JSON, as net show has it; a block has none.
func (r *hookRequest) key(e *env.Env, conn *netlink.Conn, ifindex int) (string, error) {
	if !e.JSON || r.Block != 0 {
		return "", nil
	}
	return attach.HookName(conn, ifindex, r.parent())
}

// noEgress tells that a list is empty: nothing runs on a hook that is not there.
func noEgress(err error) bool {
	_, ok := errors.AsType[*attach.NoEgressError](err)
	return ok
}

// parent is the hook, 0 for the root qdisc, which the kernel knows by that only.
func (r *hookRequest) parent() netlink.Parent {
	if p := orZero(r.Parent); p != netlink.Root {
		return p
	}
	return 0
}

func (r *hookRequest) chain() uint32 { return orZero(r.Chain) }

// orZero is what a word gave, or would stand for.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

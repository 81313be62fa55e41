package tccmd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// actionRequest is one action of a filter, or one that filters share.
type actionRequest struct {
	netlink.Action
	Device string // of mirred
	Code   codeRequest
}

// actionGrammar is "action SPEC", any number of times.
func actionGrammar(actions *[]*actionRequest) *grammar.Node {
	b := &actionBuilder{actions: actions}
	return grammar.Word("action").Repeat().Later(b.kinds).Check(b.Check).Help("do this with packets that match")
}

// kinds is one action after the other, in tc's order of words, which tells them apart: a
// verdict after an index is an action of its own.
func (b *actionBuilder) kinds() *grammar.Node {
	return grammar.Alt(
		grammar.Seq(verdictGrammar(b.gact), b.chance(), b.index(), b.common()),
		grammar.Seq(
			grammar.Word("gact", grammar.Alt(
				grammar.Seq(verdictGrammar(b.verdict), b.chance(), b.index()),
				b.existing(),
			)).Exact().Do(func() { b.start("gact") }).Help("nothing but a verdict"),
			b.common(),
		),
		grammar.Seq(b.mirredGrammar(), b.common()),
		grammar.Seq(b.bpf(), b.common()),
		grammar.Seq(policeGrammar(&b.police, func() { b.start("police") }).Help("limit the rate"), b.common()),
		refused("ACTION", "gact, mirred, bpf and police", actionKinds),
	).Repeat().Named("ACTION")
}

// actionKinds are those that tc knows and this program does not.
var actionKinds = []string{
	"connmark", "csum", "ct", "ctinfo", "gate", "ife", "ipt", "mpls", "nat", "pedit", "sample", "simple", "skbedit",
	"skbmod", "tunnel_key", "vlan", "xt",
}

// An actionBuilder has the action that was begun last: the grammar, which fills it, is
// one for all of them.
type actionBuilder struct {
	actions *[]*actionRequest
	now     actionRequest
	mirred  netlink.Mirred
	random  netlink.Random
	police  netlink.Police
}

// start begins an action.
func (b *actionBuilder) start(kind string) {
	b.finish()
	*b = actionBuilder{actions: b.actions}
	b.now.Kind = kind
	*b.actions = append(*b.actions, nil)
}

// gact begins one of which the kind was left out.
func (b *actionBuilder) gact(v netlink.Verdict) {
	b.start("gact")
	b.now.Verdict = v
}

// verdict is that of the action which has begun.
func (b *actionBuilder) verdict(v netlink.Verdict) { b.now.Verdict = v }

// finish hands over the last action.
func (b *actionBuilder) finish() {
	last := len(*b.actions) - 1
	if last < 0 {
		return
	}
	a, mirred, random, police := b.now, b.mirred, b.random, b.police
	switch {
	case a.Kind == "mirred" && (a.Device != "" || mirred.Block != 0):
		a.Mirred = &mirred
	case a.Kind == "police":
		a.Police = &police
	case a.Random != nil:
		a.Random = &random
	}
	(*b.actions)[last] = &a
}

func (b *actionBuilder) Check() error {
	b.finish()
	for _, a := range *b.actions {
		switch {
		case a.Kind == "bpf" && !a.Code.given() && a.Index == 0:
			return errors.New("no program: expected obj FILE, pinned PATH, fd N, bytecode TEXT, bytecode-file FILE or index N after action bpf")
		case a.Kind == "police":
			if err := checkPolice(a.Police); err != nil {
				return err
			}
		}
	}
	return nil
}

// verdictGrammar is in tc's order, which a short form depends on.
func verdictGrammar(set func(netlink.Verdict)) *grammar.Node {
	word := func(name string, v netlink.Verdict) *grammar.Node {
		return grammar.Word(name).Do(func() { set(v) })
	}
	value := func(make func(uint32) netlink.Verdict) func(string) error {
		return func(word string) error {
			n, err := grammar.ParseNumber[uint32](word, 0, 1<<28-1)
			set(make(n))
			return err
		}
	}
	return grammar.Alt(
		word("continue", netlink.VerdictContinue).Help("go on with the next filter"),
		word("drop", netlink.VerdictDrop).Alias("shot").Help("drop the packet"),
		word("pass", netlink.VerdictPass).Alias("ok").Help("accept the packet"),
		word("reclassify", netlink.VerdictReclassify).Help("begin again with the first filter"),
		word("pipe", netlink.VerdictPipe).Help("go on with the next action"),
		grammar.Word("goto", grammar.Key("chain", "N", value(netlink.GotoChain)).Help("the chain's number")).Help("go on with the first filter of a chain"),
		grammar.Key("jump", "N", value(netlink.Jump)).Help("skip the next N actions"),
		word("trap", netlink.VerdictTrap).Help("send the packet from the device to the kernel"),
	).Named("VERDICT")
}

// existing is the number of an action that is there, and says all of it.
func (b *actionBuilder) existing() *grammar.Node {
	return grammar.Key("index", "N", grammar.Number(&b.now.Index, 1, math.MaxUint32)).
		Help("the number under which filters share the action")
}

// index is the number of a new action.
func (b *actionBuilder) index() *grammar.Node {
	return grammar.Opt(grammar.Key("index", "N", grammar.Number(&b.now.Index, 0, math.MaxUint32)).
		Help("the number under which filters share the action"))
}

// common is what every action takes.
func (b *actionBuilder) common() *grammar.Node {
	return grammar.Any(
		grammar.Key("cookie", "HEX", b.cookie).Help("up to 16 bytes that the kernel keeps with the action"),
		grammar.Word("hw_stats", grammar.Alt(
			grammar.Const("immediate", &b.now.HWStats, netlink.HWStatsImmediate).Help("up to date when read"),
			grammar.Const("delayed", &b.now.HWStats, netlink.HWStatsDelayed).Help("read from the device now and then"),
			grammar.Const("disabled", &b.now.HWStats, netlink.HWStatsDisabled).Help("not counted"),
		)).Help("how the device counts packets"),
		grammar.Flag("no_percpu", &b.now.NoPerCPU).Help("count packets once, not for each CPU"),
		grammar.Flag("skip_sw", &b.now.SkipSW).Help("run on the device only"),
		grammar.Flag("skip_hw", &b.now.SkipHW).Help("run in the kernel only"),
	).Named("OPTION")
}

func (b *actionBuilder) cookie(word string) (err error) {
	if b.now.Cookie, err = hex.DecodeString(word); err != nil || len(word) == 0 || len(word) > 32 {
		return errors.New("expected 1 to 16 bytes, in pairs of hexadecimal digits")
	}
	return nil
}

func (b *actionBuilder) chance() *grammar.Node {
	return grammar.Opt(grammar.Word("random",
		grammar.Alt(
			grammar.Const("netrand", &b.random.Deterministic, false).Help("one packet of N by chance"),
			grammar.Const("determ", &b.random.Deterministic, true).Help("every Nth packet"),
		),
		verdictGrammar(func(v netlink.Verdict) { b.random.Verdict = v }),
		grammar.Value("N", grammar.Number(&b.random.N, 0, math.MaxUint16)),
	).Do(func() { b.now.Random = &b.random }).Help("another verdict for some packets"))
}

// mirredGrammar has a verdict for copies only; a packet that is gone has none.
func (b *actionBuilder) mirredGrammar() *grammar.Node {
	mirror := func(copied bool, v netlink.Verdict) func() {
		return func() { b.mirred.Mirror, b.now.Verdict = copied, v }
	}
	return grammar.Word("mirred", grammar.Alt(
		grammar.Seq(
			grammar.Any(
				grammar.Alt(
					grammar.Const("ingress", &b.mirred.Ingress, true).Help("as if the device had received it"),
					grammar.Const("egress", &b.mirred.Ingress, false).Help("out of the device"),
				).Required(),
				grammar.Alt(
					grammar.Word("mirror", b.index(), grammar.Any(verdictGrammar(b.verdict))).
						Do(mirror(true, netlink.VerdictPipe)).Help("a copy"),
					grammar.Word("redirect", b.index()).
						Do(mirror(false, netlink.VerdictStolen)).Help("the packet itself"),
				).Required(),
				grammar.Alt(
					grammar.Key("dev", "DEV", grammar.String(&b.now.Device)).Exact().
						Completes(grammar.Device).Help("where it goes"),
					grammar.Key("blockid", "N", grammar.Number(&b.mirred.Block, 1, math.MaxUint32)).Exact().
						Help("to all devices of this block of filters but its own (Linux 6.8)"),
				).Required(),
			),
			b.index(),
		),
		b.existing(),
	)).Exact().Do(func() { b.start("mirred") }).Help("send the packet, or a copy, to a device")
}

// bpf is a program as an action, or by its index one that exists.
func (b *actionBuilder) bpf() *grammar.Node {
	return grammar.Word("bpf",
		grammar.Opt(grammar.Word("run").Hidden()), grammar.Opt(b.now.Code.Grammar()), grammar.Opt(verdictGrammar(b.verdict)), b.index(),
	).Exact().Do(func() {
		b.start("bpf")
		b.now.Verdict = netlink.VerdictPipe
	}).Help("run a program of type action")
}

// openActions looks up what actions need, and loads their programs. undo, which
// must be called when the kernel has them, closes those.
func openActions(ctx context.Context, e *env.Env, requests []*actionRequest) (actions []*netlink.Action, undo func(), err error) {
	var open []*subject.Loaded
	undo = func() {
		for _, p := range open {
			_ = p.Close() // descriptors of ours only
		}
	}
	for _, a := range requests {
		action := a.Action
		var p *subject.Loaded
		switch {
		case a.Kind == "mirred" && a.Mirred != nil:
			action.Mirred, err = a.mirred(e)
		case a.Kind == "bpf" && a.Code.given():
			action.BPF, p, err = a.bpf(ctx, e)
		case a.Kind == "bpf":
			action.BPF, err = &netlink.BPFAction{FD: -1}, a.exists(e)
		case a.Kind == "mirred":
			err = a.exists(e)
		}
		if err != nil {
			return nil, undo, fmt.Errorf("action %s: %w", a.Kind, err)
		}
		if p != nil {
			open = append(open, p)
		}
		actions = append(actions, &action)
	}
	return actions, undo, nil
}

// exists says what the kernel has no sentence for: that no action has the index. Who calls
// tc gets what tc says.
func (a *actionRequest) exists(e *env.Env) error {
	if e.Tool.Foreign() {
		return nil
	}
	conn, err := e.Netlink()
	if err != nil {
		return err
	}
	if _, err = conn.Action(a.Kind, a.Index); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("none has index %d: %w", a.Index, err)
	}
	return err
}

func (a *actionRequest) mirred(e *env.Env) (*netlink.Mirred, error) {
	if a.Mirred.Block != 0 {
		return a.Mirred, nil
	}
	_, dev, err := e.Link(a.Device)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Device, err)
	}
	m := *a.Mirred
	m.Ifindex = dev.Index
	return &m, nil
}

// bpf opens the program, nil for classic BPF.
func (a *actionRequest) bpf(ctx context.Context, e *env.Env) (b *netlink.BPFAction, p *subject.Loaded, err error) {
	b = new(netlink.BPFAction)
	if a.Code.Bytecode.given() {
		b.Bytecode, err = a.Code.Bytecode.read(e)
		return b, nil, err
	}
	if b.Name, err = filterName(&a.Code.Program, e, ebpf.SchedACT); err != nil {
		return nil, nil, err
	}
	if p, err = a.Code.Program.Open(ctx, e, ebpf.SchedACT, 0); err == nil {
		b.FD = p.FD()
	}
	return b, p, err
}

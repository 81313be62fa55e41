package tccmd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

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

func (b *actionBuilder) kinds() *grammar.Node {
	return grammar.Alt(
		grammar.Seq(
			grammar.Opt(grammar.Word("gact").Exact().Help("nothing but a verdict")),
			grammar.Alt(verdictNodes(b.begin)...).Named("VERDICT"),
			b.gactOptions(),
		),
		b.mirred(), b.bpf(),
		policeGrammar(func() *netlink.Police {
			b.start("police")
			b.last().Police = newPolice()
			return b.last().Police
		}).Help("limit the rate"),
		refused("ACTION", "gact, mirred, bpf and police", actionKinds),
	).Named("ACTION")
}

// actionKinds are those that tc knows and this program does not.
var actionKinds = []string{
	"connmark", "csum", "ct", "ctinfo", "gate", "ife", "ipt", "mpls", "nat", "pedit", "sample", "simple", "skbedit",
	"skbmod", "tunnel_key", "vlan", "xt",
}

// An actionBuilder fills the action that was begun last.
type actionBuilder struct {
	actions *[]*actionRequest
	code    codeRequest // of the last action: the grammar is one for all of them
}

func (b *actionBuilder) start(kind string) {
	b.finish()
	*b.actions = append(*b.actions, &actionRequest{Action: netlink.Action{Kind: kind}})
}

// finish gives the last action what it runs.
func (b *actionBuilder) finish() {
	if len(*b.actions) > 0 {
		b.last().Code = b.code
	}
	b.code = codeRequest{}
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

func (b *actionBuilder) last() *actionRequest { return (*b.actions)[len(*b.actions)-1] }

// begin starts a gact action, whose kind may be left out, with its verdict.
func (b *actionBuilder) begin(v netlink.Verdict) {
	b.start("gact")
	b.last().Verdict = v
}

func (b *actionBuilder) set(v netlink.Verdict) { b.last().Verdict = v }

func (b *actionBuilder) verdict() *grammar.Node {
	return grammar.Alt(verdictNodes(b.set)...).Named("VERDICT")
}

// verdictNodes are in tc's order, which a short form depends on.
func verdictNodes(set func(netlink.Verdict)) []*grammar.Node {
	fixed := func(name string, v netlink.Verdict, help string) *grammar.Node {
		return grammar.Word(name).Do(func() { set(v) }).Help(help)
	}
	var n uint32
	value := func(make func(uint32) netlink.Verdict) func(string) error {
		read := grammar.Number(&n, 0, 1<<28-1)
		return func(word string) error {
			err := read(word)
			set(make(n))
			return err
		}
	}
	return []*grammar.Node{
		fixed("continue", netlink.VerdictContinue, "go on with the next filter"),
		fixed("drop", netlink.VerdictDrop, "drop the packet").Alias("shot"),
		fixed("pass", netlink.VerdictPass, "accept the packet").Alias("ok"),
		fixed("reclassify", netlink.VerdictReclassify, "begin again with the first filter"),
		fixed("pipe", netlink.VerdictPipe, "go on with the next action"),
		grammar.Word("goto", grammar.Key("chain", "N", value(netlink.GotoChain)).Help("the chain's number")).Help("go on with the first filter of a chain"),
		grammar.Key("jump", "N", value(netlink.Jump)).Help("skip the next N actions"),
		fixed("trap", netlink.VerdictTrap, "send the packet from the device to the kernel"),
	}
}

// common is what every action takes.
func (b *actionBuilder) common() *grammar.Node {
	hardware := func(name string, h netlink.HWStats, help string) *grammar.Node {
		return grammar.Word(name).Do(func() { b.last().HWStats = h }).Help(help)
	}
	flag := func(name string, set func(*actionRequest), help string) *grammar.Node {
		return grammar.Word(name).Do(func() { set(b.last()) }).Help(help)
	}
	return grammar.Any(
		grammar.Key("index", "N", func(word string) error { return grammar.Number(&b.last().Index, 0, math.MaxUint32)(word) }).
			Help("the number under which filters share the action"),
		grammar.Key("cookie", "HEX", b.cookie).Help("up to 16 bytes that the kernel keeps with the action"),
		grammar.Word("hw_stats", grammar.Alt(
			hardware("immediate", netlink.HWStatsImmediate, "up to date when read"),
			hardware("delayed", netlink.HWStatsDelayed, "read from the device now and then"),
			hardware("disabled", netlink.HWStatsDisabled, "not counted"),
		)).Help("how the device counts packets"),
		flag("no_percpu", func(a *actionRequest) { a.NoPerCPU = true }, "count packets once, not for each CPU"),
		flag("skip_sw", func(a *actionRequest) { a.SkipSW = true }, "run on the device only"),
		flag("skip_hw", func(a *actionRequest) { a.SkipHW = true }, "run in the kernel only"),
	).Named("OPTION")
}

func (b *actionBuilder) cookie(word string) (err error) {
	if b.last().Cookie, err = hex.DecodeString(word); err != nil || len(word) == 0 || len(word) > 32 {
		return errors.New("expected 1 to 16 bytes, in pairs of hexadecimal digits")
	}
	return nil
}

func (b *actionBuilder) gactOptions() *grammar.Node {
	random := func() *netlink.Random {
		if b.last().Random == nil {
			b.last().Random = new(netlink.Random)
		}
		return b.last().Random
	}
	return grammar.Any(
		grammar.Word("random",
			grammar.Alt(
				grammar.Word("netrand").Do(func() { random().Deterministic = false }).Help("one packet of N by chance"),
				grammar.Word("determ").Do(func() { random().Deterministic = true }).Help("every Nth packet"),
			),
			grammar.Alt(verdictNodes(func(v netlink.Verdict) { random().Verdict = v })...).Named("VERDICT"),
			grammar.Value("N", func(word string) error { return grammar.Number(&random().N, 0, math.MaxUint16)(word) }),
		).Help("another verdict for some packets"),
		b.common(),
	)
}

func (b *actionBuilder) mirred() *grammar.Node {
	way := func(name string, set func(*netlink.Mirred), help string) *grammar.Node {
		return grammar.Word(name).Do(func() { set(b.last().Mirred) }).Help(help)
	}
	return grammar.Word("mirred", grammar.Any(
		grammar.Alt(
			way("ingress", func(m *netlink.Mirred) { m.Ingress = true }, "as if the device had received it"),
			way("egress", func(m *netlink.Mirred) { m.Ingress = false }, "out of the device"),
		).Required(),
		grammar.Alt(
			way("mirror", func(m *netlink.Mirred) { m.Mirror = true; b.set(netlink.VerdictPipe) }, "a copy"),
			way("redirect", func(m *netlink.Mirred) { m.Mirror = false; b.set(netlink.VerdictStolen) }, "the packet itself"),
		).Required(),
		grammar.Key("dev", "DEV", func(word string) error { b.last().Device = word; return nil }).Exact().
			Completes(grammar.Device).Required().Help("where it goes"),
		b.verdict(),
		b.common(),
	)).Exact().Do(func() {
		b.start("mirred")
		b.last().Mirred = new(netlink.Mirred)
	}).Help("send the packet, or a copy, to a device")
}

// bpf is a program as an action, or by its index one that exists.
func (b *actionBuilder) bpf() *grammar.Node {
	return grammar.Word("bpf", grammar.Any(
		grammar.Word("run").Hidden(), b.code.Grammar(), b.verdict(), b.common(),
	)).Exact().Do(func() {
		b.start("bpf")
		b.last().Verdict = netlink.VerdictPipe
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
		switch a.Kind {
		case "mirred":
			action.Mirred, err = a.mirred(e)
		case "bpf":
			action.BPF, p, err = a.bpf(ctx, e)
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

func (a *actionRequest) mirred(e *env.Env) (*netlink.Mirred, error) {
	_, dev, err := e.Link(a.Device)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Device, err)
	}
	m := *a.Mirred
	m.Ifindex = dev.Index
	return &m, nil
}

// bpf opens the program, nil for classic BPF and where an index names the action.
func (a *actionRequest) bpf(ctx context.Context, e *env.Env) (b *netlink.BPFAction, p *subject.Loaded, err error) {
	b = new(netlink.BPFAction)
	switch {
	case !a.Code.given():
		b.FD = -1
		return b, nil, nil
	case a.Code.Bytecode.given():
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

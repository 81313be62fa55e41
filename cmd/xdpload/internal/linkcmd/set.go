package linkcmd

import (
	"context"
	"errors"
	"math"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

type linkSetRequest struct {
	Devices subject.DevicesRequest
	Mode    netlink.XDPMode
	Off     bool
	Program subject.ProgramRequest
	Link    string // path
	Keep    string // path
	LinkID  uint32 // to detach

	IfExists bool
	Netkit   netkitRequest
}

// Set is the command link set, which attaches and detaches XDP programs.
func Set() env.Command {
	return env.Command{
		Name:    "link set|change",
		Options: "details replace idempotent atomic",
		Summary: "attach an XDP program to a device, or detach it",
		Description: `Loads one program of a BPF object, with the maps that it references and nothing else, and attaches it to the device. Nothing is attached, pinned or left loaded when any step fails.

A program that is attached already stays: only -force replaces it, and then without a moment in which neither program runs. "xdp off" detaches what is attached, whatever its mode; "xdpgeneric off" and its like detach that mode's program only. Where nothing is attached, "off" is done already.

Several devices, by dev DEV dev DEV …, a pattern, a group or all, run one program that is loaded once. Each device that refuses is named with its reason and the status is 2, while the others run it; with -atomic, all are as they were before, also on ^C. Devices with the same result share a line, or have one each with -details; JSON is an array, also of one.

Lines of a batch that name the same program of the same file share it: it is read and verified once, unless it has a map that is not pinned, or the line sets more than the hook.`,
		Examples: []grammar.Example{
			{Line: "xdpload link set dev eth0 xdp obj foo.o", Help: "attach the only XDP program of foo.o"},
			{Line: "xdpload -force link set dev eth0 xdp obj foo.o sec xdp/drop", Help: "replace the attached program"},
			{Line: "xdpload -force link set dev eth0 xdp obj foo.o keep /sys/fs/bpf/old", Help: "replace it, and keep it for the command that is printed"},
			{Line: "clang -O2 -g -target bpf -c foo.c -o - | xdpload link set dev eth0 xdp obj -", Help: "compile and attach"},
			{Line: "xdpload link set dev eth0 xdp obj hash.o bind", Help: "attach a program that asks the driver for the hash of a packet"},
			{Line: "xdpload link set dev eth0 xdp name xdp_count", Help: "attach a program that is loaded"},
			{Line: "xdpload link set dev eth0 xdp off", Help: "detach the program"},
			{Line: "xdpload -atomic -force link set 'veth*' xdp obj foo.o", Help: "run the program on every device with such a name, or change nothing"},
			{Line: "xdpload link set group 7 xdp off", Help: "detach from the devices of a group"},
		},
		Lines: env.Lines((*linkSetRequest).Grammar, func(r *linkSetRequest) env.Request { return r }),
	}
}

func (r *linkSetRequest) Grammar() *grammar.Node {
	mode := func(m netlink.XDPMode, help string) *grammar.Node {
		return grammar.Const(m.Keyword(), &r.Mode, m).Exact().Help(help).Later(func() *grammar.Node {
			return r.programGrammar(m)
		})
	}
	return grammar.Seq(
		r.Devices.Grammar(),
		grammar.Alt(grammar.Any(grammar.Alt(
			mode(netlink.XDPAny, "in the driver where it can run programs, in the network stack elsewhere"),
			mode(netlink.XDPGeneric, "in the network stack, on any device"),
			mode(netlink.XDPNative, "in the driver, or not at all"),
			mode(netlink.XDPOffload, "on the device itself"),
		).Required(), subject.LinkPathGrammar(&r.Link), subject.KeepGrammar(&r.Keep)), r.Netkit.Grammar()),
	).Check(r.Check)
}

// programGrammar is what may follow a mode.
func (r *linkSetRequest) programGrammar(m netlink.XDPMode) *grammar.Node {
	var bind []*grammar.Node
	if m == netlink.XDPAny || m == netlink.XDPNative { // the kernel refuses it elsewhere
		bind = append(bind, grammar.Flag("bind", &r.Program.Bound).
			Help("tie the program to the device, so that it can call what the driver offers: hash, timestamp and VLAN tag of a packet"))
	}
	return grammar.Alt(append([]*grammar.Node{r.offGrammar()}, r.Program.Grammar(bind...)...)...).Named("PROGRAM")
}

// Check refuses for several devices what is tied to one.
func (r *linkSetRequest) Check() error {
	if err := r.Devices.Check(); err != nil || !r.Devices.Several() {
		return err
	}
	switch {
	case r.Netkit.Given:
		return errors.New("type netkit is about one pair: name one device")
	case r.Link != "":
		return errors.New("a bpf_link holds a program on one device: name one device, and a path for each")
	case r.Keep != "":
		return errors.New("keep is about the program of one device: name one device")
	case r.LinkID != 0:
		return errors.New("a bpf_link holds a program on one device: name that device")
	case r.Program.Bound:
		return errors.New("bind ties the program to one device: name one device")
	case r.Mode == netlink.XDPOffload && !r.Off:
		return errors.New("xdpoffload loads the program into one device: name one device")
	}
	return nil
}

func (r *linkSetRequest) offGrammar() *grammar.Node {
	return grammar.Const("off", &r.Off, true, grammar.Any(
		grammar.Key("link", "N", grammar.Number(&r.LinkID, 1, math.MaxUint32)).Exact().
			Help("detach what the bpf_link with this id holds, for good"),
		grammar.Flag("if-exists", &r.IfExists).Help("no error if that link holds nothing here; without link, it is no error that nothing is attached"),
	)).Alias("none").Exact().Help("detach the program")
}

func (r *linkSetRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	if r.Netkit.Given {
		return r.setNetkit(e)
	}
	return subject.ChangeHooks(ctx, e, &r.Devices, r.Devices.String(), r.Prepare)
}

func (r *linkSetRequest) Loads() subject.Loading {
	f := r.Program.Loading(ebpf.XDP, r.Link == "" && !r.Devices.Several())
	if r.Mode == netlink.XDPOffload {
		f.Program = nil
	}
	return f
}

func (r *linkSetRequest) Prepare(_ context.Context, e *env.Env) (_ *subject.Change, err error) {
	if err := subject.CheckKeep(r.Keep, e.Replace || r.Off, "add -force"); err != nil {
		return nil, err
	}
	links, missing, err := r.Devices.Find(e, r.Off)
	if err != nil {
		return nil, err
	}
	c := &subject.Change{
		Subject: r.Devices.String(), Several: r.Devices.Several(), Missing: missing,
		IfExists: r.IfExists, Holders: true, List: linkSetReports{},
	}
	if !r.Off {
		r.Program.Alone = r.Link != "" || c.Several
		if c.Source, err = r.Program.Source(e, ebpf.XDP, r.boundTo(links[0])); err != nil {
			return nil, err
		}
		c.Site = r.site(e)
	}
	beside := make(map[int][]netlink.XDPProgram)
	for _, l := range links {
		e.Known().AddLink(l)
		beside[l.Index] = l.XDP.Programs
		c.Plans = append(c.Plans, attach.Plan{
			Source: c.Source.Plan(), Hook: attach.XDP{Ifindex: l.Index, Mode: r.Mode, LinkID: r.LinkID},
			Replace: e.Replace, Idempotent: e.Idempotent, Link: subject.PinPath(e, r.Link), Keep: subject.PinPath(e, r.Keep),
		})
	}
	c.One = func(o *attach.Outcome) any { return r.outcome(e, c, o, beside[o.Ifindex]) }
	return c, nil
}

// site is where the program shall run.
func (r *linkSetRequest) site(e *env.Env) *subject.Site {
	return &subject.Site{Env: e, Mode: r.Mode, Bound: r.Program.Bound, Again: func(mode netlink.XDPMode) string {
		line := e.Line.As(mode.Keyword(), "xdp", "xdpgeneric", "xdpdrv", "xdpoffload")
		if mode == netlink.XDPGeneric {
			line = line.Without("bind")
		}
		return e.Here(line.With(nil))
	}}
}

// setNetkit changes a pair through its primary device.
func (r *linkSetRequest) setNetkit(e *env.Env) (any, error) {
	name := r.Devices.Names[0]
	conn, dev, err := e.Link(name)
	if err == nil {
		err = conn.SetNetkit(dev.Index, r.Netkit.Pair.Netkit)
	}
	if err != nil {
		return nil, &env.LinkError{Device: name, Err: err}
	}
	return deviceChanges{{Device: dev.Name, Change: "changed"}}, nil
}

// boundTo is the device that a program is loaded for.
func (r *linkSetRequest) boundTo(dev *netlink.Link) int {
	if r.Mode == netlink.XDPOffload || r.Program.Bound {
		return dev.Index
	}
	return 0
}

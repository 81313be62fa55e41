package tccmd

import (
	"context"
	"errors"
	"math"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// filterRequest is a line about filters: where they are, and what they run.
type filterRequest struct {
	hookRequest
	Devices  subject.DevicesRequest // where Device is the first, or the only one
	Pref     uint16
	Protocol netlink.Protocol
	Handle   *uint32
	Kind     string

	Code    codeRequest
	Direct  bool
	ClassID netlink.Handle
	SkipHW  bool
	SkipSW  bool
	Actions []*actionRequest
	Police  netlink.Police
	Policed bool
	Keep    string // path

	IfExists bool                 // of a delete
	Stats    subject.StatsRequest // of what is shown
}

// filterLines are those of a command about filters. An error is of the device, unless
// there are several, or of the block.
func filterLines(build func(*filterRequest) *grammar.Node, run func(*filterRequest, context.Context, *env.Env) (any, error)) func() (*grammar.Node, func() env.Request) {
	return env.Lines(build, func(r *filterRequest) env.Request {
		return env.Runner(func(ctx context.Context, e *env.Env) (any, error) {
			report, err := run(r, ctx, e)
			if !r.Devices.Several() {
				err = env.About(r.subject(), err)
			}
			return report, err
		})
	})
}

// setLines are those that set filters.
func setLines(op netlink.Change) func() (*grammar.Node, func() env.Request) {
	return env.Lines((*filterRequest).setGrammar, func(r *filterRequest) env.Request { return &filterSetRequest{r, op} })
}

// Filters are in tc's order, which a short form depends on.
func Filters() []env.Command {
	return append(filterSetCommands(), filterDeleteCommand(), filterGetCommand(), filterShowCommand())
}

const (
	aboutHook  = `A filter is on the ingress or egress hook of a clsact qdisc, which is created where the device has neither it nor an ingress qdisc, and removed again if the rest of the command fails. The program is loaded, and maps are pinned, once the hook is known to exist. The result is printed: the pref and handle that the kernel chose, and the program's id.`
	aboutBatch = `Lines of a batch that name the same program of the same file share it: it is read and verified once, unless it has a map that is not pinned, or the line sets more than the hook. -details shows which lines share. Such lines that add filters on a hook of an earlier line are sent without waiting for each other; where one fails, the filters that were added after it are deleted again at once, unless -continue is given.`
	aboutMany  = `Several devices, by dev DEV dev DEV … or a pattern, run one program that is loaded once. Each device that refuses is named with its reason and the status is 2, while the others run it; with -atomic, all are as they were before, also on ^C.`
	aboutRun   = `With direct-action the program's return value is the verdict. Without it, it is the class of the packet, 0 for no match and -1 for the filter's classid, and actions give the verdict.`
)

// filterSetCommands are those that set filters.
func filterSetCommands() []env.Command {
	return []env.Command{
		{
			Name:        "tc filter add",
			Options:     "details atomic idempotent echo",
			Summary:     "attach a classifier to a device",
			Description: aboutHook + "\n\n" + aboutRun + "\n\n" + aboutMany + "\n\n" + aboutBatch,
			Examples: []grammar.Example{
				{Line: "xdpload tc filter add dev eth0 ingress bpf da obj foo.o", Help: "run the program of section classifier, or the only one for tc, on what comes in"},
				{Line: "tcpdump -ddd arp | xdpload tc filter add dev eth0 ingress bpf bytecode-file - flowid 1:1", Help: "classify with classic BPF"},
			},
			Lines: setLines(netlink.Added),
		},
		{
			Name:        "tc filter change",
			Options:     "details atomic idempotent echo",
			Summary:     "change a classifier that is attached",
			Description: "Puts another program into a filter that exists, with no moment in between in which neither runs.\n\n" + aboutRun,
			Examples: []grammar.Example{
				{Line: "xdpload tc filter change dev eth0 ingress pref 49152 handle 1 bpf da obj foo.o", Help: "run another program there"},
			},
			Lines: setLines(netlink.Changed),
		},
		{
			Name:    "tc filter replace",
			Options: "details atomic idempotent echo",
			Summary: "attach a classifier, or replace the one with its name",
			Description: aboutHook + `

A filter that has the pref, handle and chain is replaced with no moment in between in which neither runs. Without a handle it is the one with the same name, FILE:[SECTION], on that hook; where several have it, name one by pref and handle. (tc adds another filter in both cases.) Classic BPF has no name, and is always added.

` + aboutRun + "\n\n" + aboutMany + "\n\n" + aboutBatch,
			Examples: []grammar.Example{
				{Line: "xdpload tc filter replace dev eth0 ingress bpf da obj foo.o", Help: "attach the program, or its new version"},
				{Line: "xdpload -atomic tc filter replace dev 'veth*' ingress bpf da obj foo.o", Help: "do so on every device with such a name, or on none"},
			},
			Lines: setLines(netlink.Replaced),
		},
	}
}

// identityGrammar is what tells the filters of a hook apart.
func (r *filterRequest) identityGrammar() (handle, pref, protocol *grammar.Node) {
	handle = grammar.Key("handle", "N", grammar.Pointer(&r.Handle, 0, math.MaxUint32)).Exact().
		Help("the filter's number among those of its pref")
	pref = grammar.Key("preference", "N", grammar.Number(&r.Pref, 0, math.MaxUint16)).Alias("priority").
		Help("its place among those of the hook, lowest first; 0 is the kernel's choice, before all others")
	protocol = grammar.Key("protocol", "PROTOCOL", grammar.Text(&r.Protocol)).Choices("all", "ip", "ipv6", "arp", "802.1Q").
		Help("the protocol of the packets it sees")
	return handle, pref, protocol
}

// setGrammar is the words of add, change and replace.
func (r *filterRequest) setGrammar() *grammar.Node {
	handle, pref, protocol := r.identityGrammar()
	return grammar.Any(
		r.devicesGrammar().Required(),
		r.parentGrammar(),
		handle, pref, protocol, r.chainGrammar(),
		grammar.Const("bpf", &r.Kind, "bpf", r.bpfGrammar()).Exact().Required().Help("a BPF classifier"),
		otherKinds(), estimator(),
	).Check(r.Check)
}

// otherKinds refuses the classifiers that only tc knows.
func otherKinds() *grammar.Node { return refused("CLASSIFIER", "bpf", classifiers) }

var classifiers = []string{"basic", "cgroup", "flow", "flower", "fw", "matchall", "route", "rsvp", "rsvp6", "tcindex", "u32"}

func (r *filterRequest) bpfGrammar() *grammar.Node {
	return grammar.Any(
		grammar.Word("run").Hidden(),
		grammar.Key("classid", "CLASSID", grammar.Text(&r.ClassID)).Alias("flowid").
			Help("the class of packets that match, MAJOR:MINOR in hexadecimal"),
		grammar.Flag("direct-action", &r.Direct).Alias("da").
			Help("the program's return value is the verdict"),
		grammar.Flag("skip_hw", &r.SkipHW).Help("run in the kernel only"),
		grammar.Flag("skip_sw", &r.SkipSW).Help("run on the device only"),
		actionGrammar(&r.Actions),
		policeGrammar(&r.Police, func() { r.Policed = true }).
			Check(func() error { return checkPolice(&r.Police) }).Help("limit the rate of packets that match"),
		subject.KeepGrammar(&r.Keep),
		r.Code.Grammar(), // last, as tc has it: f is flowid, p police
	)
}

func (r *filterRequest) Check() error {
	if err := r.checkDevices(); err != nil {
		return err
	}
	switch {
	case !r.Code.given():
		return errors.New("no program: expected obj FILE, pinned PATH, fd N, bytecode TEXT or bytecode-file FILE after bpf")
	case r.SkipHW && r.SkipSW:
		return errors.New("skip_hw and skip_sw together leave nothing to run the filter")
	}
	return nil
}

// devicesGrammar is deviceGrammar with dev repeated.
func (r *filterRequest) devicesGrammar() *grammar.Node {
	return grammar.Alt(
		grammar.Key("dev", "DEV", r.addDevice).Exact().Completes(grammar.Device).Help(subject.HelpPattern+"; several run one program"),
		grammar.Key("block", "N", r.setBlock).Help("the block of filters that several qdiscs share"),
	).Repeat()
}

var errDevOrBlock = errors.New("dev and block exclude each other")

func (r *filterRequest) addDevice(word string) error {
	if r.Block != 0 {
		return errDevOrBlock
	}
	r.Devices.Names = append(r.Devices.Names, word)
	r.Device = r.Devices.Names[0]
	return nil
}

func (r *filterRequest) setBlock(word string) error {
	switch {
	case r.Device != "":
		return errDevOrBlock
	case r.Block != 0:
		return errors.New("a second block")
	}
	return grammar.Number(&r.Block, 1, math.MaxUint32)(word)
}

// checkDevices refuses for several devices what is tied to one.
func (r *filterRequest) checkDevices() error {
	if err := r.Devices.Check(); err != nil {
		return err
	}
	if r.Devices.Several() && r.Keep != "" {
		return errors.New("keep is about the program of one filter: name one device")
	}
	if r.Devices.Several() && r.SkipSW {
		return errors.New("skip_sw loads the program into one device: name one device")
	}
	return nil
}

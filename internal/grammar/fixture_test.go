package grammar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The grammars of ip-link(8) "set … xdp" and of tc-bpf(8), as a command
// package would describe them.

type objectRequest struct {
	File, Section, Program, Export string
	Pinned                         string
	FD                             int
	Bytecode, BytecodeFile         string
	Verbose                        bool
}

// objectGrammar is an object file with its options.
func objectGrammar(r *objectRequest) *Node {
	return Word("object-file",
		Value("FILE", String(&r.File)).Completes(File).Help("an object file, or - for standard input"),
		Any(
			Key("section", "NAME", String(&r.Section)).Completes(Section).Help("the program in this section"),
			Key("program", "NAME", String(&r.Program)).Alias("prog").Exact().Completes(Program).Help("the program of this name"),
			Key("export", "UDS", String(&r.Export)).Completes(File).Help("send the maps to this socket"),
			Flag("verbose", &r.Verbose).Help("print the verifier log"),
		)).Alias("obj").Help("load a program from an object file")
}

func pinnedGrammar(r *objectRequest) *Node {
	return Key("object-pinned", "PATH", String(&r.Pinned)).Alias("pinned").Completes(Pinned).Help("a pinned program")
}

func fdGrammar(r *objectRequest) *Node {
	return Key("fd", "N", Number(&r.FD, 0, 1<<20)).Help("a program that this process inherited")
}

type linkSetRequest struct {
	Dev    string
	MTU    int
	Mode   string
	Off    bool
	Object objectRequest
	Up     bool
}

func linkSetGrammar(r *linkSetRequest) *Node {
	program := Alt(
		Flag("off", &r.Off).Alias("none").Exact().Help("detach"),
		objectGrammar(&r.Object), pinnedGrammar(&r.Object), fdGrammar(&r.Object),
	).Named("PROGRAM")
	xdp := func(mode string) *Node {
		return Const(mode, &r.Mode, mode, program).Exact().Help("attach or detach a program in this mode")
	}
	return Seq(
		Opt(Word("dev").Exact()),
		Value("DEV", String(&r.Dev)).Completes(Device).Help("the device"),
		Any(
			Alt(xdp("xdp"), xdp("xdpgeneric"), xdp("xdpdrv"), xdp("xdpoffload")),
			Key("mtu", "BYTES", Number(&r.MTU, 0, 1<<16)).Help("set the MTU"),
			Flag("up", &r.Up).Exact().Help("bring the device up"),
		))
}

type action struct {
	Kind, Verdict, Direction, Mirred, Dev string
	Index                                 *uint32
	Object                                objectRequest
}

type filterRequest struct {
	Dev       string
	Block     uint32
	Parent    string
	Handle    *uint32
	Pref      uint16
	Protocol  string
	Chain     *uint32
	Kind      string
	Object    objectRequest
	ClassID   string
	Direct    bool
	SkipHW    bool
	SkipSW    bool
	Actions   []*action
	PoliceBps string
}

func classID(p *string) func(string) error {
	return Convert(p, func(s string) (string, error) {
		major, minor, ok := strings.Cut(s, ":")
		_, err1 := strconv.ParseUint("0"+major, 16, 16)
		_, err2 := strconv.ParseUint("0"+minor, 16, 16)
		if !ok || errors.Join(err1, err2) != nil {
			return "", errors.New("not a class id such as 1:1")
		}
		return s, nil
	})
}

func actionGrammar(r *filterRequest) *Node {
	cur := func() *action { return r.Actions[len(r.Actions)-1] }
	begin := func(kind string) func() {
		return func() { r.Actions = append(r.Actions, &action{Kind: kind}) }
	}
	verdict := func(name string) *Node {
		return Word(name).Do(func() {
			begin("gact")()
			cur().Verdict = name
		})
	}
	verdicts := Alt(verdict("continue"), verdict("drop").Alias("shot"), verdict("pass").Alias("ok"), verdict("pipe"))
	return Word("action", Alt(
		verdicts,
		Word("mirred",
			Alt(Word("egress").Do(func() { cur().Direction = "egress" }), Word("ingress").Do(func() { cur().Direction = "ingress" })),
			Alt(Word("mirror").Do(func() { cur().Mirred = "mirror" }), Word("redirect").Do(func() { cur().Mirred = "redirect" })),
			Key("dev", "DEV", func(s string) error { cur().Dev = s; return nil }).Completes(Device),
		).Do(begin("mirred")),
		Word("bpf", Key("object-file", "FILE", func(s string) error { cur().Object.File = s; return nil }), Any(
			Key("section", "NAME", func(s string) error { cur().Object.Section = s; return nil }),
			Key("index", "N", func(s string) error {
				return Pointer(&cur().Index, 0, 1<<31)(s)
			}),
		)).Do(begin("bpf")),
	)).Repeat().Help("run this action on a match")
}

func bpfGrammar(r *filterRequest) *Node {
	return Const("bpf", &r.Kind, "bpf", Any(
		Word("run"),
		Alt(
			Key("bytecode", "STRING", String(&r.Object.Bytecode)).Alias("bc").Help("classic instructions"),
			Key("bytecode-file", "FILE", String(&r.Object.BytecodeFile)).Alias("bcf").Completes(File).Help("classic instructions in a file"),
			objectGrammar(&r.Object), pinnedGrammar(&r.Object), fdGrammar(&r.Object),
		).Named("PROGRAM"),
		Key("classid", "CLASSID", classID(&r.ClassID)).Alias("flowid").Help("the class of packets that match"),
		Flag("direct-action", &r.Direct).Alias("da").Help("the return code is the verdict"),
		Flag("skip_hw", &r.SkipHW).Help("do not offload"),
		Flag("skip_sw", &r.SkipSW).Help("only offload"),
		actionGrammar(r),
		Word("police", Key("rate", "RATE", String(&r.PoliceBps))).Help("limit the rate"),
	)).Exact().Help("a BPF classifier")
}

// filterGrammar is tc filter VERB; mandatory are the parts that get needs.
func filterGrammar(r *filterRequest, get bool) *Node {
	need := func(n *Node) *Node {
		if get {
			return n.Required()
		}
		return n
	}
	parent := func(name string) *Node { return Const(name, &r.Parent, name).Exact() }
	return Any(
		Alt(
			Key("dev", "DEV", String(&r.Dev)).Exact().Completes(Device).Help("the device"),
			Key("block", "N", Number(&r.Block, 1, 1<<31)).Help("the shared block"),
		).Required(),
		need(Alt(parent("root"), parent("ingress").Help("packets that come in"), parent("egress"),
			Key("parent", "CLASSID", classID(&r.Parent)).Exact())),
		need(Key("handle", "H", Pointer(&r.Handle, 0, 1<<32-1)).Help("the filter's handle")),
		need(Key("preference", "P", Number(&r.Pref, 0, 65535)).Alias("priority").Help("the order, lowest first")),
		need(Key("protocol", "PROTO", String(&r.Protocol)).Choices("all", "ip", "ipv6", "arp").Help("the protocol")),
		Key("chain", "N", Pointer(&r.Chain, 0, 1<<28)).Help("the chain"),
		need(bpfGrammar(r)),
	)
}

// run stands for what a command does with its request.
type run func() string

func fixtureTable() Table[run] {
	filter := func(get bool) func() (*Node, run) {
		return func() (*Node, run) {
			r := new(filterRequest)
			return filterGrammar(r, get), func() string { return fmt.Sprintf("%+v", *r) }
		}
	}
	return Table[run]{
		{
			Name: "link set|change", Options: "replace", Summary: "attach or detach an XDP program",
			Description: "Attaches a program to a device.\n\nA second paragraph.",
			Examples:    []Example{{"xdpload link set dev eth0 xdp obj foo.o sec xdp", "attach the program in section xdp"}},
			New: func() (*Node, run) {
				r := new(linkSetRequest)
				return linkSetGrammar(r), func() string { return fmt.Sprintf("%+v", *r) }
			},
		},
		{
			Name: "link show|list|lst", Default: true, Summary: "show the programs of devices",
			New: func() (*Node, run) {
				var dev string
				return Opt(Opt(Word("dev").Exact()), Value("DEV", String(&dev)).Completes(Device)), func() string { return "show " + dev }
			},
		},
		{Name: "tc filter add", Summary: "add a filter", New: filter(false)},
		{Name: "tc filter change", Summary: "change a filter", New: filter(false)},
		{Name: "tc filter replace", Summary: "add or replace a filter", New: filter(false)},
		{Name: "tc filter delete|del", Summary: "delete filters", New: filter(false)},
		{Name: "tc filter get", Summary: "show one filter", New: filter(true)},
		{Name: "tc filter show|list|lst", Default: true, Summary: "show filters", New: filter(false)},
		{Name: "tcx show", Summary: "show tcx programs", New: func() (*Node, run) { return Seq(), nil }},
		{
			Name: "tc exec bpf", Summary: "run a command with imported maps",
			New: func() (*Node, run) {
				var argv []string
				return Opt(Rest("CMD", func(s []string) error { argv = s; return nil })), func() string { return strings.Join(argv, "|") }
			},
		},
		{
			Name: "tc exec bpf graft", Summary: "replace a tail call",
			New: func() (*Node, run) {
				var path string
				var o objectRequest
				return Seq(Value("MAPPATH", String(&path)), objectGrammar(&o)), func() string { return path + " " + o.File }
			},
		},
	}
}

func fixtureManual() *Manual {
	return &Manual{
		Program: "xdpload", Summary: "load BPF programs and attach them to network devices",
		Description: "Reads BPF objects with `struct bpf_elf_map` and others.\n\n    xdpload link set dev eth0 xdp obj foo.o\n    .dotted 'line'",
		Options: []Option{
			{Names: []string{"json", "j"}, Help: "print JSON"},
			{Names: []string{"netns", "n"}, Arg: "NAME", Kind: Netns, Help: "work in this network namespace"},
			{Names: []string{"batch", "b"}, Arg: "FILE", Kind: File, Help: "read commands from a file, or `-` for standard input"},
			{Names: []string{"force"}, Help: "replace what is there", Use: "replace", Exact: true},
		},
		Groups: []Group{
			{Name: "link", Summary: "XDP programs of devices", Description: "What ip-link(8) does for XDP."},
			{Name: "tc filter", Summary: "BPF classifiers"},
		},
		Statuses: []Status{{0, "done"}, {1, "the words are wrong"}, {2, "refused by object, kernel or device"}},
		SeeAlso:  []string{"ip-link(8)", "tc-bpf(8)"},
	}
}

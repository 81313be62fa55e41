package progcmd

import (
	"context"
	"errors"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
)

type progLoadRequest struct {
	Program subject.ProgramRequest
	Chosen  []elf.Selector // by section or name, none for the only one
	All     bool
	Target  subject.ProgRef
	Path    string
}

// Load is the command prog load, which loads and pins programs that no hook runs.
func Load() env.Command {
	return env.Command{
		Name:    "prog load",
		Summary: "load programs of an object file and pin them, without a hook",
		Description: `Loads one program of a BPF object, several or all, with the maps that they reference, which they share, and pins them. Nothing is attached: the programs are there for a hook, an entry of a map, or a tail call. When any step fails, nothing is pinned or left loaded.

Programs are of the type that their section says, one for entries of a map of devices (xdp/devmap) or CPUs (xdp/cpumap) too. One program is pinned at PATH, where that does not end in a slash; several, and all, in the directory PATH, each by its name.

With "all" the programs of sections that begin with a question mark are left out.`,
		Examples: []grammar.Example{
			{Line: "xdpload prog load obj foo.o pin /sys/fs/bpf/foo", Help: "the only program of foo.o"},
			{Line: "xdpload prog load obj fwd.o all pin /sys/fs/bpf/fwd pin-maps /sys/fs/bpf/fwd", Help: "all programs, and the maps beside them"},
			{Line: "xdpload prog load obj fwd.o sec xdp sec xdp/devmap pin m:fwd", Help: "two of them, below the BPF file system's tc directory"},
			{Line: "xdpload prog load obj ext.o target pinned /sys/fs/bpf/main pin /sys/fs/bpf/ext", Help: "a program that replaces a function of another (freplace)"},
		},
		New: env.New(func(r *progLoadRequest) *grammar.Node {
			return grammar.Seq(r.Program.ObjectGrammar("programs of an object file", r.options)).Check(r.Check)
		}),
	}
}

func (r *progLoadRequest) options() *grammar.Node {
	p := &r.Program
	choose := func(fill func(*elf.Selector, string)) func(string) error {
		return func(word string) error {
			var s elf.Selector
			fill(&s, word)
			r.Chosen = append(r.Chosen, s)
			return nil
		}
	}
	words := []*grammar.Node{
		grammar.Key("section", "NAME", choose(func(s *elf.Selector, name string) { s.Section = name })).Repeat().Completes(grammar.Section).
			Help("the program in this section, the first of several"),
		grammar.Key("program", "NAME", choose(func(s *elf.Selector, name string) { s.Program = name })).Repeat().Completes(grammar.Program).
			Help("the program with this name"),
		grammar.Flag("all", &r.All).Help("every program"),
		subject.TypeGrammar(&p.As, "the programs' type, if their sections say another; with all, of those whose section tells none"),
		grammar.Word("target", r.Target.Grammar().Named("REF")).Help("the loaded program of which a function is replaced (freplace)"),
		p.VerboseGrammar(),
	}
	words = append(words, p.Load.Contents()...)
	path := grammar.String(&r.Path)
	return grammar.Any(append(words, p.Load.Pins(grammar.Alt(
		grammar.Key("pin", "PATH|DIR", path).Exact().
			Help("pin the program at this path, or each of several in this directory, by its name"),
		grammar.Value("PATH|DIR", path).Accept(subject.LooksLikePath).Hidden(), // as bpftool has it
	).Required())...)...)
}

// Check refuses what contradicts itself, and tells the path of one program from the directory
// of several.
func (r *progLoadRequest) Check() error {
	if r.All && len(r.Chosen) > 0 {
		return errors.New("all programs, or those of sections or with names")
	}
	if r.All || len(r.Chosen) > 1 || strings.HasSuffix(r.Path, "/") {
		r.Program.Load.PinAll = r.Path
	} else {
		r.Program.Load.PinProgram = r.Path
	}
	return nil
}

func (r *progLoadRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	p := &r.Program
	obj, err := p.Object(e)
	if err != nil {
		return nil, err
	}
	o := p.Options(e, ebpf.UnspecifiedProgram, 0)
	if chosen := r.selectors(obj); len(chosen) > 0 {
		o.Select, o.Also = chosen[0], chosen[1:]
	}
	if r.Target != (subject.ProgRef{}) {
		if o.Target, err = r.Target.Open(e); err != nil {
			return nil, err
		}
		defer o.Target.Close()
	}
	l, err := load.Pin(ctx, obj, o)
	if err != nil {
		return nil, p.Failed(obj, o.Select, err)
	}
	defer l.Close()
	p.Tell(e, l)
	return r.report(l), nil
}

// selectors are those of the programs that the words name, none for the only one.
func (r *progLoadRequest) selectors(obj *elf.Object) (all []elf.Selector) {
	as := r.Program.As
	for _, s := range r.Chosen {
		s.Type, s.Force = as, as != ebpf.UnspecifiedProgram
		all = append(all, s)
	}
	if !r.All {
		return all
	}
	for _, p := range obj.Programs() {
		if p.Optional || p.Static {
			continue
		}
		s := elf.Selector{Section: p.Section, Program: p.Name}
		if p.Type == ebpf.UnspecifiedProgram {
			s.Type = as
		}
		all = append(all, s)
	}
	return all
}

func (r *progLoadRequest) report(l *load.Loaded) *progLoadReport {
	out := &progLoadReport{File: r.Program.Name(), Maps: subject.ReportMaps(l.Maps, false)}
	for i := range l.Entries {
		entry := &l.Entries[i]
		out.Programs = append(out.Programs, pinnedProgram{
			ProgramReport: *subject.ReportProgram(&entry.Info), Type: kernelname.Program(entry.Type), Pinned: entry.Pin,
		})
	}
	return out
}

// progLoadReport is what was loaded.
type progLoadReport struct {
	File     string              `json:"file"`
	Programs []pinnedProgram     `json:"programs"`
	Maps     []subject.MapReport `json:"maps,omitempty"`
}

type pinnedProgram struct {
	subject.ProgramReport
	Type   string `json:"type" text:" type %s"`
	Pinned string `json:"pinned" text:" pinned %s"`
}

func (*progLoadReport) Changes() {}

// WriteText prints a line for each program and map.
func (r *progLoadReport) WriteText(t *render.Text, _ render.Options) {
	for i := range r.Programs {
		t.Printf("%s: loaded program %s\n", r.File, render.Fields(&r.Programs[i]))
	}
	for _, m := range r.Maps {
		t.Printf("    map %s\n", render.Fields(m))
	}
}

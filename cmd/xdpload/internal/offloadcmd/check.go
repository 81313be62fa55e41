package offloadcmd

import (
	"context"
	"errors"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/offload"
)

type offloadCheckRequest struct {
	Device  string
	Driver  string
	Program subject.ProgramRequest
}

// Check is the command offload check, which holds an object against a driver's rules.
func Check() env.Command {
	return env.Command{
		Name:    "offload check",
		Summary: "say what a device would refuse in an object",
		Description: `Checks one program of an object, and the maps that it uses, against the rules of a driver, before the kernel is asked and without the device: for nfp and netdevsim, those of Linux 6.12. Each line names the program, the line of the source, the rule, and the kernel file that the rule comes from. Limits that only a card's firmware knows are not among the rules.

The status is 0 when no rule is broken, and 2 otherwise.`,
		Examples: []grammar.Example{
			{Line: "xdpload offload check driver nfp obj foo.o sec xdp", Help: "check a program against the rules of nfp"},
		},
		New: env.New(func(r *offloadCheckRequest) *grammar.Node {
			return grammar.Seq(
				grammar.Alt(
					grammar.Key("dev", "DEV", grammar.String(&r.Device)).Completes(grammar.Device).Help("the driver of this device"),
					grammar.Key("driver", "DRIVER", grammar.String(&r.Driver)).Help("this driver: nfp or netdevsim"),
				),
				r.Program.Selection("an object file"),
			)
		}),
	}
}

func (r *offloadCheckRequest) Run(_ context.Context, e *env.Env) (any, error) {
	if r.Device != "" {
		d, err := probe(e, r.Device)
		if err == nil && d.Driver == "" {
			err = errors.New("the device names no driver: choose the rules with driver nfp or driver netdevsim")
		}
		if err != nil {
			return nil, env.About(r.Device, err)
		}
		r.Driver = d.Driver
	}
	name, found, err := r.Check(e)
	if err != nil {
		return nil, err
	}
	report := &findings{Driver: r.Driver, Object: r.Program.Name(), Program: name, Findings: make([]finding, 0, len(found))}
	for _, f := range found {
		report.Findings = append(report.Findings, finding(*f))
	}
	return subject.Conclude(e, report, len(found))
}

// Check returns the program's name too.
func (r *offloadCheckRequest) Check(e *env.Env) (string, []*offload.Finding, error) {
	obj, err := r.Program.Object(e)
	if err != nil {
		return "", nil, err
	}
	s := r.selector(obj)
	found, err := offload.Check(r.Driver, obj, s)
	if err != nil {
		return "", nil, r.Program.Failed(obj, s, err)
	}
	p, err := obj.Program(s)
	return p.Name, found, err
}

// selector takes a program that is named for what its section says, else an XDP
// program before a tc one.
func (r *offloadCheckRequest) selector(obj *elf.Object) elf.Selector {
	s := r.Program.Selector(ebpf.UnspecifiedProgram)
	if s.Force {
		return s
	}
	named := s.Section != "" || s.Program != ""
	if !named && !slices.ContainsFunc(obj.Programs(), isXDP) {
		s.Type = ebpf.SchedCLS
	}
	if p, err := obj.Program(s); err == nil && p.Type != ebpf.UnspecifiedProgram && (named || p.Type == s.Type) {
		s.Type = p.Type
		return s
	}
	s.Type = ebpf.XDP
	return s
}

func isXDP(p elf.Program) bool { return p.Type == ebpf.XDP }

// findings is what a device would refuse.
type findings struct {
	Driver   string    `json:"driver"`
	Object   string    `json:"object"`
	Program  string    `json:"program"`
	Findings []finding `json:"findings"`
}

// finding is an [offload.Finding] with keys of its own.
type finding struct {
	Program     string `json:"program,omitempty"`
	Map         string `json:"map,omitempty"`
	Instruction int    `json:"insn"`
	Line        string `json:"line,omitempty"`
	Code        string `json:"code,omitempty"`
	Rule        string `json:"rule"`
	Source      string `json:"source"`
}

// WriteText prints a line for each finding, and the source's line below.
func (f *findings) WriteText(t *render.Text, _ render.Options) {
	t.If(len(f.Findings) == 0, "%s: program %s: nothing that driver %s is known to refuse\n", f.Object, f.Program, f.Driver)
	for _, one := range f.Findings {
		one.Write(t)
	}
}

func (f *finding) Write(t *render.Text) {
	switch {
	case f.Map != "":
		t.Printf("map %s", f.Map)
	case f.Instruction < 0:
		t.Printf("program %s", f.Program)
	default:
		t.Printf("program %s insn %d", f.Program, f.Instruction)
	}
	t.If(f.Line != "", " %s", f.Line)
	t.Printf(": %s (%s)\n", f.Rule, f.Source)
	t.If(f.Code != "", "    %s\n", f.Code)
}

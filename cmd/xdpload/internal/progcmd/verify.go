package progcmd

import (
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

type verifyRequest struct {
	Files     subject.Files
	Section   string
	Program   string
	All       bool
	Type      ebpf.ProgramType
	Variables subject.LoadRequest

	MaxEntries map[string]uint32 // of maps
	Device     string
	BTF        string
	Stats      bool
	Verbose    bool
	JUnit      subject.OutputFile
	Base       string
	MaxGrowth  growthLimit
}

// Verify is the command verify, which asks the kernel about every program of an object.
func Verify() env.Command {
	return env.Command{
		Name:    "verify",
		Options: "statistics brief",
		Summary: "ask this kernel whether it accepts the programs of an object file",
		Description: `Has the kernel verify and compile every program of an object, or some, and keeps none: nothing is attached or pinned, and no pinned map is touched, because maps are made for this alone. Programs are verified side by side on all processors. Each has its result, and what it cost the verifier: the time; the instructions that it went through, out of at most 1000000; the states that it kept, and the most at a time; the bytes of stack of the program and of each function that it calls. For a program that is rejected there is the verifier's reason, the line of the source that it was at, and the end of its log, all of it with verbose. The status is 2 when a program is rejected.

A program whose section does not tell its type, such as iproute2's "prog", is taken for what calls it, or for the type that is named. Programs that this kernel cannot be asked about alone are skipped, with the reason: those that replace a function of another program (freplace), those of struct_ops, and those of no type. When that leaves none, the status is 2 too. A program of a program array is verified like every other one; arrays are empty, so every tail call falls through. With dev XDP programs are bound to a device, and may use what its driver offers.

With btf the CO-RE relocations are resolved against the types of another kernel. This says whether they can be resolved on that kernel; whether the result is safe, and whether its helpers and functions exist, it says of this kernel only.

With base the numbers are compared with those of an earlier run: the table has the programs whose numbers or results are others, those that are new, and those that are gone. Growth is that of the instructions; with -max-growth the status is 2 when one has grown by more. Files are found in BASE by their names without directories; an only FILE is compared with the only one of BASE, whatever the names.

Of several files each in which a program is rejected is named. In JSON it is an array, also of one FILE.`,
		Examples: []grammar.Example{
			{Line: "xdpload verify foo.o", Help: "every program of the object"},
			{Line: "xdpload verify foo.o program xdp_main verbose", Help: "one program, with the whole log if it is rejected"},
			{Line: "xdpload verify *.o -junit verify.xml", Help: "for continuous integration"},
			{Line: "xdpload -json verify foo.o >base.json", Help: "keep what each program costs the verifier"},
			{Line: "xdpload verify foo.o base base.json -max-growth 10%", Help: "what it costs more since then, at most a tenth"},
			{Line: "xdpload verify foo.o btf /boot/vmlinux-5.15", Help: "whether the CO-RE relocations fit another kernel"},
		},
		New: env.New(func(r *verifyRequest) *grammar.Node {
			return grammar.Seq(r.Files.Grammar(), grammar.Any(append(r.baseGrammar(),
				grammar.Flag("all", &r.All).Help("every program (the default)"),
				grammar.Key("section", "NAME", grammar.String(&r.Section)).Completes(grammar.Section).
					Help("the programs in this section"),
				grammar.Key("program", "NAME", grammar.String(&r.Program)).Completes(grammar.Program).
					Help("the program with this name"),
				subject.TypeGrammar(&r.Type, "the type of programs whose section does not tell one"),
				grammar.Key("set", "VAR=VALUE", r.Variables.AddVariable).Repeat().
					Help("the value of a global variable, which the verifier may know to be constant"),
				r.sizes().Repeat().Help("maps of another size than the object says"),
				grammar.Key("dev", "DEV", grammar.String(&r.Device)).Completes(grammar.Device).
					Help("bind XDP programs to this device"),
				grammar.Key("btf", "FILE", grammar.String(&r.BTF)).Completes(grammar.File).
					Help("the types of another kernel: raw BTF, or a vmlinux"),
				grammar.Flag("-stats", &r.Stats).Alias("stats").
					Help("print all that the verifier reports, and totals"),
				grammar.Key("-junit", "OUT", grammar.String(&r.JUnit.File)).Alias("junit").Completes(grammar.File).
					Help("write the results as JUnit XML too; - is standard output, without the table"),
				grammar.Flag("verbose", &r.Verbose).
					Help("print the whole log of programs that are rejected"),
			)...).Check(r.Check))
		}),
	}
}

// sizes is the words that give a map another number of entries.
func (r *verifyRequest) sizes() *grammar.Node {
	var name string
	var n uint32
	set := func(word string) error {
		if err := grammar.Number(&n, 1, math.MaxUint32)(word); err != nil {
			return err
		}
		if r.MaxEntries == nil {
			r.MaxEntries = make(map[string]uint32)
		}
		r.MaxEntries[name] = n
		return nil
	}
	return grammar.Word("map", grammar.Value("NAME", grammar.String(&name)).Completes(grammar.Map),
		grammar.Key("max_entries", "N", set).Help("a map with room for N entries"))
}

func (r *verifyRequest) Check() error {
	if r.All && (r.Section != "" || r.Program != "") {
		return errors.New("all programs, or those of a section or with a name")
	}
	if r.MaxGrowth.percent != nil && r.Base == "" {
		return errors.New("-max-growth is since an earlier run: name its output, base FILE")
	}
	return nil
}

func (r *verifyRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	o, err := r.options(e)
	if err != nil {
		return nil, err
	}
	base, err := r.readBase()
	if err != nil {
		return nil, err
	}
	runtime.SetDefaultGOMAXPROCS()              // an object may have hundreds of programs
	wanted := r.Type == ebpf.UnspecifiedProgram // whether a program has a use for the type
	reports, err := subject.EachFile(e, r.Files, func(obj *elf.Object, name string) (*verifyReport, error) {
		start := time.Now()
		progress := e.Progress("verifying " + name)
		o.Progress = progress.At
		trials, err := load.Verify(ctx, obj, o)
		progress.Done()
		if err == nil {
			err = unasked(trials)
		}
		if err != nil {
			return nil, &env.ObjectError{Object: name, Err: err}
		}
		wanted = wanted || !allTyped(obj, trials)
		report := r.report(name, trials, time.Since(start))
		for i := range trials {
			report.Programs[i].TooOld = subject.TooOld(obj, trials[i].Err)
		}
		report.several = len(r.Files) > 1
		return report, errors.Join(report.verdict(), r.compare(report, base))
	})
	if !wanted && len(reports) > 0 {
		e.Warn("type is not used: the section of every program tells its type")
	}
	return r.Tell(e, reports, err)
}

// allTyped reports whether the section of each program that was verified tells its type.
func allTyped(obj *elf.Object, trials []load.VerifyResult) bool {
	typed := make(map[string]bool)
	for _, p := range obj.Programs() {
		typed[p.Name] = p.Type != ebpf.UnspecifiedProgram
	}
	return !slices.ContainsFunc(trials, func(t load.VerifyResult) bool { return !typed[t.Program.Name] })
}

func (r *verifyRequest) options(e *env.Env) (o load.VerifyOptions, err error) {
	o = load.VerifyOptions{
		Select:    elf.Selector{Section: r.Section, Program: r.Program, Type: r.Type},
		Variables: r.Variables.Variables, MaxEntries: r.MaxEntries,
		Jobs: e.VerifierJobs(), Verbose: r.Verbose,
	}
	if r.Device != "" {
		_, link, err := e.Link(r.Device)
		if err != nil {
			return o, &env.LinkError{Device: r.Device, Err: err}
		}
		o.Ifindex = link.Index
	}
	if r.BTF != "" {
		o.Types, err = load.OpenTypes(r.BTF)
	}
	return o, err
}

// unasked is the error of a program about which the kernel said nothing, where it
// says nothing to this process about any.
func unasked(trials []load.VerifyResult) error {
	for i := range trials {
		err := trials[i].Err
		_, said := errors.AsType[*ebpf.VerifierError](err)
		if !said && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) && load.Permitted() != nil {
			return err
		}
	}
	return nil
}

// Tell writes the JUnit file, and the reports beside what is wrong.
func (r *verifyRequest) Tell(e *env.Env, reports []*verifyReport, wrong error) (any, error) {
	var t render.Text
	writeJUnit(&t, reports)
	switch {
	case r.JUnit.File == "", len(reports) == 0:
	case r.JUnit.File == "-":
		if _, err := t.WriteTo(e.Stdout); err != nil {
			return nil, err
		}
		return nil, wrong
	default: // it is of the last run, and takes the place of what is there
		if err := os.WriteFile(r.JUnit.File, t.Bytes(), 0o644); err != nil {
			return nil, err
		}
	}
	return subject.ConcludeFiles(e, reports, wrong)
}

func (r *verifyRequest) report(file string, trials []load.VerifyResult, took time.Duration) *verifyReport {
	release, _ := load.Uname()
	out := &verifyReport{File: file, Kernel: release, BTF: r.BTF, Time: took.Nanoseconds(), Programs: []verifiedProgram{}, all: r.Stats}
	for i := range trials {
		p := r.verified(&trials[i])
		switch p.Result {
		case resultTaken:
			out.Taken++
		case resultRejected:
			out.Rejected++
		case resultUnasked:
			out.Unasked++
		default:
			out.Skipped++
		}
		out.Programs = append(out.Programs, p)
	}
	return out
}

func (r *verifyRequest) verified(t *load.VerifyResult) verifiedProgram {
	p := verifiedProgram{
		Name: t.Program.Name, Section: t.Program.Section, Type: subject.TypeName(t.Program.Type), Result: resultTaken, Reason: t.Skipped, Source: t.Source,
		verifierCost: verifierCost(t.Cost),
	}
	switch {
	case t.Skipped != "":
		p.Result = resultSkipped
	case t.Err != nil:
		p.Result, p.Message = resultUnasked, env.OneLine(t.Err)
		p.Reason = cmp.Or(t.Cause, env.Message(errors.Unwrap(t.Err)))
		if errno, ok := errors.AsType[unix.Errno](t.Err); ok {
			p.Errno = netlink.ErrnoName(errno)
			_, file := errors.AsType[*os.PathError](t.Err) // such as its configuration, which is not there
			part, ok := errors.AsType[*load.Error](t.Err)
			if !file && (!ok || part.Map == "") { // without which no program is loaded
				p.Result = resultRejected
			}
		}
		if v, ok := errors.AsType[*ebpf.VerifierError](t.Err); ok {
			p.Result, p.log = resultRejected, v.Log
			p.Log = env.VerifierLog(&env.ObjectError{Verbose: r.Verbose, Err: t.Err}, v)
		}
	}
	return p
}

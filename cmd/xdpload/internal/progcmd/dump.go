package progcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/readback"
	"github.com/xdpload/xdpload/prog"
)

type progDumpRequest struct {
	Program subject.ProgRef
	JITed   bool
	Options codeOptions
}

const kallsyms = "/proc/kallsyms"

// Dump is the command prog dump, which shows what the kernel made of a program.
func Dump() env.Command {
	return env.Command{
		Name:    "prog dump",
		Summary: "show what the kernel made of a program",
		Description: `Shows the code of a loaded program. xlated is its instructions as the verifier left them, in the words of "elf disasm": helpers may have become other functions or a few instructions, dead code is gone, and fields of the context are those of kernel structures. jited is the machine code that runs, disassembled, on x86-64 and arm64.

Names come from the program's BTF and from /proc/kallsyms. The kernel shows code to CAP_BPF, and machine code and addresses to CAP_SYSLOG, unless kernel.kptr_restrict is 2.`,
		Examples: []grammar.Example{
			{Line: "xdpload prog dump name xdp_count xlated source", Help: "the rewritten instructions, with the lines of the source"},
			{Line: "xdpload -json prog dump id 42 jited", Help: "the machine code, for another program to read"},
		},
		New: env.New(func(r *progDumpRequest) *grammar.Node {
			return grammar.Any(
				r.Program.Grammar().Required(),
				grammar.Alt(
					grammar.Const("xlated", &r.JITed, false).Help("the instructions after the verifier's rewriting"),
					grammar.Const("jited", &r.JITed, true).Help("the machine code"),
				).Required(),
				grammar.Flag("source", &r.Options.Source).Alias("linum").Help("the lines of the source, where the program has BTF"),
				grammar.Flag("raw", &r.Options.Raw).Alias("opcodes").Help("the bytes of each instruction"),
			)
		}),
	}
}

func (r *progDumpRequest) Run(_ context.Context, e *env.Env) (any, error) {
	p, err := r.Program.Open(e)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	report, err := r.dump(e, p)
	if err != nil {
		return nil, env.WithHints(fmt.Errorf("program id %d %s: %w", p.ID, p.Name, err), hiddenHints(err)...)
	}
	return report, nil
}

func (r *progDumpRequest) dump(e *env.Env, p *prog.Program) (*codeReport, error) {
	code, err := readback.Read(p.FD(), cmp.Or(p.Name, "program"))
	if err != nil {
		return nil, err
	}
	report := &codeReport{
		ID: p.ID, Name: p.Name, Type: kernelname.Program(p.Type), Tag: p.Tag,
		XlatedSize: code.XlatedSize, JITedSize: code.JITedSize,
	}
	names := readback.Names{Symbols: readback.Kallsyms(kallsyms), Map: subject.NameOfMap}
	if !r.JITed {
		items, err := code.Xlated(names)
		report.addXlated(code, items, r.Options)
		return report, err
	}
	if p.Device != nil {
		return nil, fmt.Errorf("it runs on %v, whose machine code is not disassembled: %w", subject.DescribeBinding(e, p.Device), errors.ErrUnsupported)
	}
	functions, err := code.JITed(names)
	report.addJITed(functions, r.Options)
	return report, err
}

// hiddenHints say what lets a process see code.
func hiddenHints(err error) []string {
	if errors.Is(err, readback.ErrNotJITed) {
		return []string{"the compiler is turned on for programs that are loaded from then on: xdpload prog jit enable 1"}
	}
	if _, ok := errors.AsType[*readback.HiddenError](err); !ok {
		return nil
	}
	if missing := subject.MissingCapabilities(); len(missing) > 0 {
		return []string{"code is shown to CAP_BPF and CAP_SYSLOG: run it as root"}
	}
	value, err := os.ReadFile("/proc/sys/kernel/kptr_restrict")
	if err == nil && strings.TrimSpace(string(value)) == "2" {
		return []string{"kernel.kptr_restrict is 2, which hides it from everybody: sysctl kernel.kptr_restrict=1"}
	}
	return []string{"machine code and addresses are shown to CAP_SYSLOG, unless kernel.kptr_restrict is 2"}
}

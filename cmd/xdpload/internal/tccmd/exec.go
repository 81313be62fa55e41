package tccmd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
)

// Exec are the commands tc exec bpf graft, import and debug.
func Exec() []env.Command {
	return []env.Command{graftCommand(), importCommand(), debugCommand()}
}

// importRequest waits for maps and runs a command that uses them.
type importRequest struct {
	Path    string
	Command []string
}

func importCommand() env.Command {
	return env.Command{
		Name:        "tc exec bpf import",
		Summary:     "wait for the maps of a load, and run a command with them",
		Description: `Waits at a Unix socket for the maps that "export" sends from "tc filter add", of this program or of tc. Then it runs the command, a shell by default, which inherits the maps: BPF_NUM_MAPS is their number, and BPF_MAP5 the file descriptor of the map whose id in the object is 5. Maps of today's style have no such id; this program numbers them from 0 in the order of their names.`,
		Examples: []grammar.Example{
			{Line: "xdpload tc exec bpf import /run/maps run agent", Help: "run agent when the maps are there"},
			{Line: "xdpload tc filter add dev eth0 ingress bpf da obj foo.o export /run/maps", Help: "send them"},
		},
		New: env.New(func(r *importRequest) *grammar.Node {
			r.Command = []string{"/bin/sh"}
			set := func(words []string) error { r.Command = words; return nil }
			return grammar.Seq(
				grammar.Value("SOCKET", grammar.String(&r.Path)).Completes(grammar.File).Help("the socket's path, which must be free"),
				grammar.Opt(grammar.Word("run", grammar.Rest("COMMAND", set)).Help("the command and its arguments")),
			)
		}),
	}
}

// Run never returns when the command could be started: the process becomes it.
func (r *importRequest) Run(context.Context, *env.Env) (any, error) {
	program, err := exec.LookPath(r.Command[0])
	if err != nil {
		return nil, err
	}
	set, fds, err := subject.ImportMaps(r.Path)
	if err != nil {
		return nil, err
	}
	environ := slices.DeleteFunc(os.Environ(), ofImport)
	environ = append(environ, fmt.Sprintf("BPF_NUM_MAPS=%d", len(set.Maps)))
	for i, m := range set.Maps { // how the command is told which descriptor is which map
		environ = append(environ, fmt.Sprintf("BPF_MAP%d=%d", m.ID, fds[i]))
	}
	return nil, os.NewSyscallError("exec "+program, syscall.Exec(program, r.Command, environ))
}

// ofImport reports whether a variable is of an import that this one runs in: getenv(3) finds
// the first of a name.
func ofImport(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	number, numbered := strings.CutPrefix(name, "BPF_MAP")
	_, err := strconv.ParseUint(number, 10, 32)
	return name == "BPF_NUM_MAPS" || numbered && err == nil
}

func debugCommand() env.Command {
	return env.Command{
		Name:        "tc exec bpf debug|dbg",
		Summary:     "print what programs say with bpf_trace_printk",
		Description: `Prints the lines of every program on the machine to standard error, as tc does, until it is interrupted. It reads them from a trace instance of its own, so that other readers miss nothing. Where the kernel cannot do that, before Linux 5.9, it says so and reads the shared trace_pipe: each line then goes to one reader only.`,
		Examples: []grammar.Example{
			{Line: "xdpload tc exec bpf debug", Help: "print until ^C"},
		},
		New: func() (*grammar.Node, env.Request) { return grammar.Seq(), env.Runner(runDebug) },
	}
}

func runDebug(ctx context.Context, e *env.Env) (any, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	trace, err := subject.OpenTrace(e)
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintln(e.Stderr, "Running! Hang up with ^C!") // as tc
	return nil, trace.Copy(ctx, e.Stderr)
}

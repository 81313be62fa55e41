package tccmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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

// Where tracefs is mounted, today and before Linux 4.1.
const (
	TracefsDir    = "/sys/kernel/tracing"
	oldTracefsDir = "/sys/kernel/debug/tracing"
)

func findTracefs() (string, error) {
	for _, dir := range []string{TracefsDir, oldTracefsDir} {
		if _, err := os.Stat(filepath.Join(dir, "trace_pipe")); err == nil {
			return dir, nil
		}
	}
	return "", env.WithHints(errors.New("no trace file system at "+TracefsDir), "mount -t tracefs tracefs "+TracefsDir)
}

func runDebug(ctx context.Context, e *env.Env) (any, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := findTracefs()
	if err != nil {
		return nil, err
	}
	dir, remove, err := traceInstance(root)
	if err != nil {
		e.Warn("no trace instance of our own (%v): lines are taken from other readers of %s/trace_pipe", err, root)
		dir, remove = root, func() error { return nil }
	}
	return nil, errors.Join(copyTrace(ctx, e.Stderr, filepath.Join(dir, "trace_pipe")), remove())
}

// traceInstance makes a ring buffer that gets nothing but what programs print.
func traceInstance(root string) (dir string, remove func() error, err error) {
	dir = filepath.Join(root, "instances", fmt.Sprintf("xdpload-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, err
	}
	remove = func() error { return os.Remove(dir) }
	if err := os.WriteFile(filepath.Join(dir, "events/bpf_trace/bpf_trace_printk/enable"), []byte("1"), 0); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return dir, remove, nil
}

// copyTrace reads until ctx is done.
func copyTrace(ctx context.Context, w io.Writer, path string) error {
	pipe, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w, "Running! Hang up with ^C!")
	stop := context.AfterFunc(ctx, func() { pipe.Close() })
	_, err = io.Copy(w, pipe)
	if stop() {
		pipe.Close()
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

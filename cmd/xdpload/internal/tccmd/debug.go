package tccmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

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

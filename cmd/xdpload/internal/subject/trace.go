package subject

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// Where tracefs is mounted, today and before Linux 4.1.
const (
	TracefsDir    = "/sys/kernel/tracing"
	oldTracefsDir = "/sys/kernel/debug/tracing"
)

// A Trace is the lines that all programs print with bpf_trace_printk.
type Trace struct {
	// Epoch is when the clock of their times was zero, nil where that is not known.
	Epoch *time.Time
	dir   string
	close func() error
}

// OpenTrace makes a ring buffer of its own for them, which other readers do not share. Where
// that cannot be, it warns, and takes the lines from the one for all.
func OpenTrace(e *env.Env) (*Trace, error) {
	root, err := findTracefs()
	if err != nil {
		return nil, err
	}
	t, err := ownTrace(root)
	if err != nil {
		e.Warn("no trace instance of our own (%v): lines are taken from other readers of %s/trace_pipe", err, root)
		return &Trace{dir: root, close: func() error { return nil }}, nil
	}
	return t, nil
}

func findTracefs() (string, error) {
	for _, dir := range []string{TracefsDir, oldTracefsDir} {
		if _, err := os.Stat(filepath.Join(dir, "trace_pipe")); err == nil {
			return dir, nil
		}
	}
	return "", env.WithHints(errors.New("no trace file system at "+TracefsDir), "mount -t tracefs tracefs "+TracefsDir)
}

// ownTrace makes a ring buffer that gets nothing but what programs print, with times of
// the clock of uptime.
func ownTrace(root string) (*Trace, error) {
	dir := filepath.Join(root, "instances", fmt.Sprintf("xdpload-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	t := &Trace{dir: dir, close: func() error { return os.Remove(dir) }}
	err := os.WriteFile(filepath.Join(dir, "events/bpf_trace/bpf_trace_printk/enable"), []byte("1"), 0)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "trace_clock"), []byte("mono"), 0)
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	epoch := BootTime()
	t.Epoch = &epoch
	return t, nil
}

// BootTime is when the machine's clock of uptime, which bpf_ktime_get_ns reads, was zero.
func BootTime() time.Time {
	var wall, up unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall) // always there
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &up)
	return time.Unix(0, wall.Nano()-up.Nano())
}

// Copy writes lines to w until ctx is done, and closes the trace.
func (t *Trace) Copy(ctx context.Context, w io.Writer) error {
	return errors.Join(t.copy(ctx, w), t.close())
}

func (t *Trace) copy(ctx context.Context, w io.Writer) error {
	pipe, err := os.OpenFile(filepath.Join(t.dir, "trace_pipe"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
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

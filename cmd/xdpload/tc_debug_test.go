package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// tracefs is the trace file system, where a test may mount it.
var tracefs = bpftest.Feature{Name: "tracefs", Probe: func() error {
	return unix.Mount("tracefs", subject.TracefsDir, "tracefs", 0, "")
}}

// TestDebug reads what a program prints, from a trace instance that is gone
// afterwards.
func TestDebug(t *testing.T) {
	bpftest.NewNamespace(t) // and with it mounts of our own
	bpftest.Need(t, tracefs)
	t.Cleanup(func() { // lazily: an emulated machine is slow to let the pipe go
		if err := unix.Unmount(subject.TracefsDir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	dir := parityDir(t)
	t.Run("tc", func(t *testing.T) {
		w := startTrace(t, dir, (*exec.Cmd).StderrPipe, "tc", "exec", "bpf", "dbg")
		if line := w.line(t, ""); line != "Running! Hang up with ^C!" {
			t.Errorf("it begins with %q", line)
		}
		w.run(t, "bpf_trace_printk: ifindex")
	})
	t.Run("prog", func(t *testing.T) {
		w := startTrace(t, dir, (*exec.Cmd).StdoutPipe, "-json", "prog", "trace")
		line := w.run(t, `"text":"ifindex`)
		var got struct {
			Time time.Time
			Task string
		}
		self, _ := os.ReadFile("/proc/self/comm")
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Task != strings.TrimSpace(string(self)) {
			t.Errorf("%v: of task %q, want that of the test: %s", err, got.Task, line)
		}
		if age := time.Since(got.Time); age < 0 || age > bpftest.Patience {
			t.Errorf("it is %v old", age)
		}
	})
}

// A traceRun is a command that prints what programs do, and runs beside the test.
type traceRun struct {
	cmd      *exec.Cmd
	lines    *bufio.Scanner
	instance string
}

func startTrace(t *testing.T, dir string, pipe func(*exec.Cmd) (io.ReadCloser, error), words ...string) *traceRun {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "xdpload"), words...)
	cmd.Env = []string{asProgram + "=1"}
	out, err := pipe(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	return &traceRun{cmd, bufio.NewScanner(out), fmt.Sprintf("%s/instances/xdpload-%d", subject.TracefsDir, cmd.Process.Pid)}
}

// line is the next one that has some text.
func (w *traceRun) line(t *testing.T, with string) string {
	t.Helper()
	for w.lines.Scan() {
		if strings.Contains(w.lines.Text(), with) {
			return w.lines.Text()
		}
		t.Logf("of another program: %s", w.lines.Text())
	}
	t.Fatalf("it prints nothing with %q: %v", with, w.lines.Err())
	return ""
}

// run has a program print, and ends the command when it has printed that line.
func (w *traceRun) run(t *testing.T, want string) string {
	t.Helper()
	until(t, "a trace instance", func() {}, func() bool {
		on, err := os.ReadFile(w.instance + "/trace_clock")
		return err == nil && strings.Contains(string(on), "[mono]")
	})
	runPrintk(t)
	line := w.line(t, want)
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for w.lines.Scan() {
	}
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if _, err := os.Stat(w.instance); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
	return line
}

// runPrintk runs a program that prints once.
func runPrintk(t *testing.T) {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpec(testobj.Path(t, "printk.o"))
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if _, err := coll.Programs["xdp_printk"].Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
		t.Fatal(err)
	}
}

func TestDebugWithoutTracefs(t *testing.T) {
	bpftest.NewNamespace(t)
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug"} { // whatever is mounted there is hidden
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), bpftest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(parityDir(t), "xdpload"), "tc", "exec", "bpf", "debug")
	cmd.Env = []string{asProgram + "=1"}
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != env.StatusRefused || !strings.Contains(string(out), "hint: mount -t tracefs tracefs "+subject.TracefsDir) {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(subject.TracefsDir + "/trace_pipe"); err == nil {
		t.Error("it mounted something")
	}
}

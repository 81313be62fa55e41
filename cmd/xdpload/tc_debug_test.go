package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tccmd"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// tracefs is the trace file system, where a test may mount it.
var tracefs = bpftest.Feature{Name: "tracefs", Probe: func() error {
	return unix.Mount("tracefs", tccmd.TracefsDir, "tracefs", 0, "")
}}

// TestDebug reads what a program prints, from a trace instance that is gone
// afterwards.
func TestDebug(t *testing.T) {
	bpftest.NewNamespace(t) // and with it mounts of our own
	bpftest.Need(t, tracefs)
	t.Cleanup(func() { // lazily: an emulated machine is slow to let the pipe go
		if err := unix.Unmount(tccmd.TracefsDir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	cmd := exec.Command(filepath.Join(parityDir(t), "xdpload"), "tc", "exec", "bpf", "dbg")
	cmd.Env = []string{asProgram + "=1"}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() //nolint:errcheck // it may have ended
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() || lines.Text() != "Running! Hang up with ^C!" {
		t.Fatalf("it begins with %q", lines.Text())
	}
	instance := fmt.Sprintf("%s/instances/xdpload-%d", tccmd.TracefsDir, cmd.Process.Pid)
	if _, err := os.Stat(instance); err != nil {
		t.Error(err)
	}
	runPrintk(t)
	for lines.Scan() && !strings.Contains(lines.Text(), "bpf_trace_printk: ifindex") {
		t.Logf("of another program: %s", lines.Text())
	}
	if err := lines.Err(); err != nil || lines.Text() == "" {
		t.Errorf("it prints nothing of the program: %v", err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if _, err := os.Stat(instance); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
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
	if !ok || exit.ExitCode() != env.StatusRefused || !strings.Contains(string(out), "hint: mount -t tracefs tracefs "+tccmd.TracefsDir) {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(tccmd.TracefsDir + "/trace_pipe"); err == nil {
		t.Error("it mounted something")
	}
}

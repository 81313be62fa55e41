package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/isolate"
)

// isolated names the variable with the scratch directory of the process that
// restart started.
const isolated = "XDPLOAD_BENCH_DIRECTORY"

// restart starts the program once more, in mount and network namespaces that
// are gone with it, and with a scratch directory that is removed afterwards.
func restart(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("loading programs and making devices takes root: run it with sudo")
	}
	dir, err := os.MkdirTemp("", "xdpload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // Pdeathsig is that of the thread
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(os.Environ(), isolated+"="+dir, "TMPDIR="+dir)
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET,
		Pdeathsig:  unix.SIGKILL,
	}
	err = cmd.Run()
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return errors.New("no report")
	}
	return err
}

// mounts hides the host's pins and named namespaces from the peers.
func mounts() error {
	if err := isolate.Mounts(); err != nil {
		return err
	}
	for _, m := range []struct{ fstype, target string }{{"tmpfs", "/run"}, {"sysfs", "/sys"}, {"bpf", pins}} {
		if err := unix.Mount(m.fstype, m.target, m.fstype, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return nil
}

// inNetNS runs fn, and the commands that it starts, in a new network namespace.
func inNetNS(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread dies, and the namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("new network namespace: %w", err)
			return
		}
		done <- fn()
	}()
	return <-done
}

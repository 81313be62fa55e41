// Package bpftest gives tests network namespaces, veth pairs, a private BPF
// file system, and the only way to skip for what the kernel lacks.
package bpftest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/isolate"
	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/sys"
)

// isolated marks the process that [Main] started in namespaces of its own.
const isolated = "XDPLOAD_TEST_ISOLATED"

// Main runs the tests of a package that needs the kernel, and returns the
// status to exit with. For root it starts the test binary once more in a
// mount and a network namespace of its own, with a BPF file system at
// /sys/fs/bpf and an empty /run/netns: whatever a test leaves behind, even one
// that is killed, is gone with the process.
func Main(m *testing.M) int {
	if need.Root.Probe() != nil || os.Getenv(isolated) != "" {
		return m.Run()
	}
	sys.RaiseMemlock() // what tests make themselves counts against it before Linux 5.11
	status, err := reexec()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bpftest:", err)
		return 1
	}
	return status
}

// setup prepares the namespaces of the process that Main started.
func setup() error {
	if os.Getenv(isolated) == "" {
		return nil
	}
	if err := isolate.Mounts(); err != nil {
		return err
	}
	for _, m := range []struct{ fstype, target string }{{"tmpfs", "/run"}, {"sysfs", "/sys"}, {"bpf", "/sys/fs/bpf"}} {
		if err := unix.Mount(m.fstype, m.target, m.fstype, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return os.Mkdir("/run/netns", 0o755)
}

func reexec() (int, error) {
	runtime.LockOSThread() // Pdeathsig is that of the thread
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), isolated+"=1")
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET,
		Pdeathsig:  unix.SIGKILL,
	}
	// The terminal sends an interrupt to both; the child is the one to end.
	signal.Ignore(os.Interrupt)
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// InGuest reports whether the tests run in an emulated machine, where a
// program takes a quarter of a second to start.
func InGuest() bool {
	line, err := os.ReadFile("/proc/cmdline")
	return err == nil && slices.Contains(strings.Fields(string(line)), "xdpload.guest=1")
}

// Rounds is how often a test repeats what it would do n times: a tenth of it
// in a guest, which is that much slower, but a dozen at least.
func Rounds(n int) int {
	if InGuest() {
		return min(n, max(n/10, 12))
	}
	return n
}

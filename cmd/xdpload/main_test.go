package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/sys/intercept"
)

// asProgram makes the test binary be the program under test.
const (
	asRootless = "XDPLOAD_TEST_ROOTLESS" // in a user namespace
	asProgram  = "XDPLOAD_TEST_PROGRAM"
	asNobody   = "XDPLOAD_TEST_NOBODY"  // and drop every privilege first
	asLesser   = "XDPLOAD_TEST_LESSER"  // and drop these capabilities first, or all but these after a "="
	asRefused  = "XDPLOAD_TEST_REFUSED" // and have bpf(2) refused with this number first
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if os.Getenv(asNobody) != "" {
			become(65534)
		}
		if os.Getenv(asRootless) != "" {
			os.Exit(runApart())
		}
		if errno := os.Getenv(asRefused); errno != "" {
			refuseBPF(errno)
		}
		if caps := os.Getenv(asLesser); caps != "" {
			drop(caps)
		}
		main()
	}
	runtime.SetDefaultGOMAXPROCS() // the tests are more than a start
	if err := flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(bpftest.Main(m))
}

// become changes user, and with it loses the capabilities of root. The working
// directory stays, where that user could not have gone.
func become(id int) {
	for _, change := range []func() error{
		func() error { return syscall.Setgroups(nil) },
		func() error { return syscall.Setgid(id) },
		func() error { return syscall.Setuid(id) },
	} {
		if err := change(); err != nil {
			panic(err)
		}
	}
}

// rootless is a command for root of a user namespace, and of a network namespace of that.
func rootless(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}

// runApart runs the program there, and returns its status.
func runApart() int {
	if err := os.Unsetenv(asRootless); err != nil {
		panic(err)
	}
	cmd := rootless("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		panic(err)
	}
	return cmd.ProcessState.ExitCode()
}

// capabilities are those that tests drop or keep.
var capabilities = map[string]int{
	"bpf": unix.CAP_BPF, "net_admin": unix.CAP_NET_ADMIN, "perfmon": unix.CAP_PERFMON, "sys_admin": unix.CAP_SYS_ADMIN,
}

// drop runs the program anew: from an exec on, root has no more than the bounding set.
func drop(words string) {
	runtime.LockOSThread()
	keep, only := strings.CutPrefix(words, "=")
	named := make(map[int]bool)
	for word := range strings.SplitSeq(keep, ",") {
		named[capabilities[word]] = true
	}
	for c := range unix.CAP_LAST_CAP + 1 {
		if named[c] != only {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
				panic(err) // EINVAL: the kernel does not know it
			}
		}
	}
	again(asLesser)
}

// refuseBPF runs the program anew, with a filter that the whole process keeps.
func refuseBPF(errno string) {
	n, err := strconv.Atoi(errno)
	if err == nil {
		err = intercept.RefuseBPF(unix.Errno(n))
	}
	if err != nil {
		panic(err)
	}
	again(asRefused)
}

func again(without string) {
	if err := os.Unsetenv(without); err != nil {
		panic(err)
	}
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

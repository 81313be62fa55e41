package main

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// asProgram makes the test binary be the program under test.
const (
	asProgram = "XDPLOAD_TEST_PROGRAM"
	asNobody  = "XDPLOAD_TEST_NOBODY" // and drop every privilege first
	asLesser  = "XDPLOAD_TEST_LESSER" // and drop CAP_SYS_ADMIN first
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if os.Getenv(asNobody) != "" {
			become(65534)
		}
		if os.Getenv(asLesser) != "" {
			withoutAdmin()
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

// withoutAdmin runs the program anew: from an exec on, root has no more than
// the bounding set.
func withoutAdmin() {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err != nil {
		panic(err)
	}
	if err := os.Unsetenv(asLesser); err != nil {
		panic(err)
	}
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

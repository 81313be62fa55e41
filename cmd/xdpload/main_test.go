package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// asProgram makes the test binary be the program under test.
const (
	asProgram = "XDPLOAD_TEST_PROGRAM"
	asNobody  = "XDPLOAD_TEST_NOBODY" // and drop every privilege first
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if os.Getenv(asNobody) != "" {
			become(65534)
		}
		main()
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

package sys

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

// TestRaiseMemlock: what was refused without a limit is not worth another try.
func TestRaiseMemlock(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &before); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	need.Of(t, need.Root, need.Feature{Name: "CAP_SYS_RESOURCE", Probe: func() error {
		return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &none)
	}})
	raised := memlock.raised
	limit := func(l unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &l); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { limit(before); memlock.raised = raised })
	memlock.raised = false
	limit(none)
	if RaiseMemlock() {
		t.Error("another try without a limit")
	}
	limit(unix.Rlimit{Cur: 64 << 10, Max: unix.RLIM_INFINITY})
	for range 2 { // of two threads that are refused, both
		if !RaiseMemlock() {
			t.Error("no other try after the limit was taken off")
		}
	}
}

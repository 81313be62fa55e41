package sys

import (
	"sync"

	"golang.org/x/sys/unix"
)

// memlock remembers whether this process has taken the limit off.
var memlock struct {
	sync.Mutex
	raised bool
}

// RaiseMemlock takes the limit on locked memory off this process. Until Linux 5.11 maps
// and programs count against it, and those for which no room is left are refused with
// EPERM. It reports whether another try may succeed, which it does not where there was
// no limit to begin with.
func RaiseMemlock() bool {
	memlock.Lock()
	defer memlock.Unlock()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err == nil && limit.Cur == unix.RLIM_INFINITY {
		return memlock.raised // by another thread, perhaps since the refusal
	}
	err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	memlock.raised = err == nil
	return memlock.raised
}

// locksMemory reports whether a command of bpf(2) makes what counts.
func locksMemory(cmd int) bool { return cmd == unix.BPF_MAP_CREATE || cmd == unix.BPF_PROG_LOAD }

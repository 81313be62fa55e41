package sys

import "golang.org/x/sys/unix"

// RaiseMemlock takes the limit on locked memory off this process, and reports
// whether there is none now. Until Linux 5.11 maps and programs count against
// it, and those for which no room is left are refused with EPERM. Where there was
// none before, another thread may just have taken it off.
func RaiseMemlock() bool {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err == nil && limit.Cur == unix.RLIM_INFINITY {
		return true
	}
	return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) == nil
}

// locksMemory reports whether a command of bpf(2) makes what counts.
func locksMemory(cmd int) bool { return cmd == unix.BPF_MAP_CREATE || cmd == unix.BPF_PROG_LOAD }

package bpftest

import (
	"os"
	"strings"
	"testing"
)

// Descriptors are the open ones of BPF objects and sockets: what else the process
// opens is the Go runtime's.
func Descriptors(t testing.TB) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && (strings.HasPrefix(target, "anon_inode:bpf") || strings.HasPrefix(target, "socket:")) {
			open = append(open, e.Name()+" "+target)
		}
	}
	return open
}

package bpftest

import (
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// NoLeaks fails the test if, after its other cleanups, a descriptor is open
// that was not when NoLeaks was called. [NewNamespace] calls it, so that
// whatever attaches a program is counted.
//
// Until then there is no garbage collection: it would close what nobody refers
// to any more, and hide that nobody closed it.
func NoLeaks(t testing.TB) {
	t.Helper()
	percent := debug.SetGCPercent(-1) // waits for a collection that is under way
	before := descriptors(t)
	t.Cleanup(func() {
		defer debug.SetGCPercent(percent)
		for _, d := range descriptors(t) {
			if !slices.Contains(before, d) {
				t.Errorf("descriptor left open: %s", d)
			}
		}
	})
}

// descriptors are the open ones, each with what tells it from a later one of
// the same number. Those of the Go runtime's poller are left out.
func descriptors(t testing.TB) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || target == "anon_inode:[eventpoll]" || target == "anon_inode:[eventfd]" {
			continue // the first is the directory's own
		}
		info, _ := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		open = append(open, strings.Join([]string{e.Name(), target, bpfID.FindString(string(info))}, " "))
	}
	return open
}

// bpfID is the line of a descriptor's information that has its object's id.
var bpfID = regexp.MustCompile(`(?m)^(prog|map|link|btf)_id:.*$`)

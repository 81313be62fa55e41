package netns

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Executed is the name of the network namespace in which "ip netns exec" runs this
// process, empty if it does not. That command has mounted a file system on /sys, by the name
// of the namespace, in a mount namespace that goes with it (iproute2, lib/namespace.c,
// netns_switch).
func Executed() string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	var own unix.Stat_t
	if unix.Stat("/proc/self/ns/net", &own) != nil {
		return ""
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		i := slices.Index(fields, "-") // then the type and the source (proc(5))
		if len(fields) < 5 || fields[4] != "/sys" || i < 0 || i+2 >= len(fields) || fields[i+1] != "sysfs" {
			continue
		}
		var named unix.Stat_t
		name := fields[i+2]
		if unix.Stat(filepath.Join(Dir, name), &named) == nil && named.Ino == own.Ino && named.Dev == own.Dev {
			return name
		}
	}
	return ""
}

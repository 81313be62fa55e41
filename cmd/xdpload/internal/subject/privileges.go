package subject

import (
	"golang.org/x/sys/unix"
)

// MissingCapabilities names those of the capabilities to load and to attach that are not effective.
func MissingCapabilities() []string {
	var missing []string
	for _, c := range []struct {
		bit  uint
		name string
	}{{unix.CAP_BPF, "CAP_BPF"}, {unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}} {
		if Lacks(c.bit) {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// Lacks reports whether a capability (linux/capability.h) is not effective.
func Lacks(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[capability/32].Effective&(1<<(capability%32)) == 0
}

package subject

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/load"
)

// A Barrier keeps this process from loading programs or attaching them.
type Barrier struct {
	Cause string // "this process lacks CAP_BPF"
	Fix   string // what to do about it
	// Root reports that the same command as root does.
	Root bool
}

// Barriers asks the kernel for the smallest of programs, and says what is in the way.
func Barriers() []Barrier {
	err := load.Permitted()
	refused := errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOSYS)
	missing := MissingCapabilities()
	switch {
	case refused && inUserNamespace():
		return []Barrier{{
			Cause: "this process is in a user namespace, where the capabilities that bpf(2) takes count for nothing",
			Fix:   "run it outside of that, as root of the host",
		}}
	case len(missing) > 0:
		return []Barrier{{
			Cause: "this process lacks " + strings.Join(missing, " and "),
			Fix:   "run it as root", Root: true,
		}}
	case refused && seccomp() && load.Filtered():
		return []Barrier{{
			Cause: "a seccomp filter keeps this process from calling bpf(2)",
			Fix:   "its profile has to allow bpf: docker run --cap-add BPF or --security-opt seccomp=PROFILE, SystemCallFilter=bpf of systemd",
		}}
	case errors.Is(err, unix.ENOSYS):
		return []Barrier{{Cause: "this kernel has no bpf(2)", Fix: "build it with CONFIG_BPF_SYSCALL"}}
	case refused:
		return []Barrier{{
			Cause: "the kernel refuses bpf(2) to this process, which has the capabilities",
			Fix:   "look for a security module or kernel lockdown, in /sys/kernel/security/lockdown",
		}}
	}
	return nil
}

// MissingCapabilities names those of the capabilities to load and to attach that are not
// effective. CAP_SYS_ADMIN stands for CAP_BPF, which came with Linux 5.8.
func MissingCapabilities() []string {
	var missing []string
	if Lacks(unix.CAP_BPF) && Lacks(unix.CAP_SYS_ADMIN) {
		missing = append(missing, "CAP_BPF")
	}
	if Lacks(unix.CAP_NET_ADMIN) {
		missing = append(missing, "CAP_NET_ADMIN")
	}
	return missing
}

// Lacks reports whether a capability (linux/capability.h) is not effective.
func Lacks(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[capability/32].Effective&(1<<(capability%32)) == 0
}

// firstUserNamespace is what /proc calls the one that the kernel starts with
// (include/linux/proc_ns.h, PROC_USER_INIT_INO).
const firstUserNamespace = "user:[4026531837]"

// inUserNamespace reports whether this process is known to be in another.
func inUserNamespace() bool {
	name, err := os.Readlink("/proc/self/ns/user")
	return err == nil && name != firstUserNamespace
}

// seccomp reports whether a filter is known to look at the system calls of this process.
func seccomp() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err == nil && strings.Contains(string(status), "\nSeccomp:\t2\n")
}

package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mounts of the guest, in order. There is none on /tmp: the root already is
// in memory, and a mount there could hide a test's working directory.
var mounts = []struct {
	dir, fstype, data string
	optional          bool // a kernel may be built without it
}{
	{dir: "/proc", fstype: "proc"},
	{dir: "/sys", fstype: "sysfs"},
	{dir: "/dev", fstype: "devtmpfs"},
	{dir: "/dev/pts", fstype: "devpts"},
	{dir: "/dev/shm", fstype: "tmpfs"},
	{dir: "/run", fstype: "tmpfs"},
	{dir: "/sys/fs/bpf", fstype: "bpf", data: "mode=0700"},
	{dir: "/sys/fs/cgroup", fstype: "cgroup2", optional: true},
	{dir: "/sys/kernel/debug", fstype: "debugfs", optional: true},
	{dir: "/sys/kernel/tracing", fstype: "tracefs", optional: true},
}

func mountAll() error {
	for _, m := range mounts {
		// Below /proc and /sys the kernel makes the mount points itself.
		if err := os.MkdirAll(m.dir, 0o755); err != nil && !m.optional {
			return err
		}
		err := unix.Mount(m.fstype, m.dir, m.fstype, 0, m.data)
		if err != nil && !errors.Is(err, unix.EBUSY) && !m.optional {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	return os.Symlink("/proc/self/fd", "/dev/fd")
}

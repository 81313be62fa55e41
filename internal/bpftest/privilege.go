package bpftest

import (
	"os"

	"golang.org/x/sys/unix"
)

// WithoutAdmin takes CAP_SYS_ADMIN from the calling thread, which must end with its goroutine:
// that has locked it.
func WithoutAdmin() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	data[0].Effective &^= 1 << unix.CAP_SYS_ADMIN
	return os.NewSyscallError("capset", unix.Capset(&header, &data[0]))
}

package sys

import (
	"errors"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// objNameLen is BPF_OBJ_NAME_LEN, the terminating zero included.
const objNameLen = 16

// loadAttempts bounds how often a call that a signal interrupted is repeated.
const loadAttempts = 30

func bpf[T any](cmd int, attr *T) (int, error) {
	mayLock := locksMemory(cmd)
	for attempt := 1; ; attempt++ {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		if errno == 0 {
			return int(r), nil
		}
		// The verifier gives up with EAGAIN when a signal is pending.
		if cmd == unix.BPF_PROG_LOAD && errors.Is(errno, unix.EAGAIN) && attempt < loadAttempts {
			continue
		}
		if errors.Is(errno, unix.EPERM) && mayLock && RaiseMemlock() {
			mayLock = false
			continue
		}
		return -1, errno
	}
}

func bytesPointer(b []byte) pointer {
	return pointer{p: unsafe.Pointer(unsafe.SliceData(b))}
}

func stringPointer(s string) pointer {
	return bytesPointer(append([]byte(s), 0))
}

// objName cuts a name to what the kernel takes: 15 bytes of letters, digits,
// '_' and '.'. Other bytes are dropped (kernel/bpf/syscall.c, bpf_obj_name_cpy).
func objName(name string) (out Name) {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		}
		return -1
	}, name)
	copy(out[:objNameLen-1], name)
	return out
}

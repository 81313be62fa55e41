// Package intercept stops a thread right before a system call, so that a test can
// do what someone else might do just then, or have the call fail.
package intercept

import (
	"encoding/binary"
	"errors"
	"iter"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls are those of one kind that one thread makes.
type Calls struct {
	listener int
	ended    [2]*os.File // a pipe, closed at its writing end
	failure  unix.Errno  // of the call that waits, 0 to have it carried out
}

// BPF has the calls of the calling thread with a command, such as
// [unix.BPF_LINK_UPDATE], wait until [Calls.All] has yielded each: another
// goroutine has to range over that. It locks the goroutine to its thread, which
// must end with it: that thread can never make such a call again.
func BPF(command uint32) (*Calls, error) { return start(notifyOfBPF(command)) }

// Receive is [BPF] for calls of recvfrom(2).
func Receive() (*Calls, error) { return start(notifyOf(unix.SYS_RECVFROM, nil)) }

// Send is [BPF] for calls of sendto(2).
func Send() (*Calls, error) { return start(notifyOf(unix.SYS_SENDTO, nil)) }

// RefuseBPF has every call of bpf(2) of the calling thread, and of what it executes, fail. It
// locks the goroutine to its thread.
func RefuseBPF(errno unix.Errno) error {
	runtime.LockOSThread()
	_, err := install(filterOf(unix.SYS_BPF, nil, unix.SECCOMP_RET_ERRNO|uint32(errno)), 0)
	return err
}

func start(filter []unix.SockFilter) (*Calls, error) {
	runtime.LockOSThread()
	c := new(Calls)
	var err error
	if c.ended[0], c.ended[1], err = os.Pipe(); err != nil {
		return nil, err
	}
	if c.listener, err = install(filter, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER); err != nil {
		return nil, errors.Join(err, c.ended[0].Close(), c.ended[1].Close())
	}
	return c, nil
}

// install gives the calling thread a filter. With the flag for it, it returns a listener.
func install(filter []unix.SockFilter, flags uintptr) (listener int, _ error) {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return -1, os.NewSyscallError("seccomp", errno)
	}
	return int(fd), nil
}

// notifyOfBPF is the filter for a command: struct seccomp_data of linux/seccomp.h
// has the first argument at 16, 64 bits.
func notifyOfBPF(command uint32) []unix.SockFilter {
	argument := uint32(16)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		argument += 4
	}
	return notifyOf(unix.SYS_BPF, []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: argument},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: command},
	})
}

func notifyOf(number uint32, more []unix.SockFilter) []unix.SockFilter {
	return filterOf(number, more, unix.SECCOMP_RET_USER_NOTIF)
}

// filterOf does something about the calls of a number, which struct seccomp_data has
// at 0, if they get through more of it.
func filterOf(number uint32, more []unix.SockFilter, action uint32) []unix.SockFilter {
	const load, skipUnless, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	all := []unix.SockFilter{
		{Code: load, K: 0},
		{Code: skipUnless, Jf: uint8(len(more)) + 1, K: number},
	}
	return append(append(all, more...),
		unix.SockFilter{Code: ret, K: action},
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
}

// notification is struct seccomp_notif, answer struct seccomp_notif_resp.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	_     [64]byte // struct seccomp_data
}

type answer struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// Fail has the call that waits fail, in place of being carried out: for the body
// of a loop over [Calls.All].
func (c *Calls) Fail(errno unix.Errno) { c.failure = errno }

// All yields before each call, which the kernel carries out when the loop's body
// is done, and ends with [Calls.End]. A signal may have a call yielded twice.
func (c *Calls) All() iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		defer unix.Close(c.listener)
		defer c.ended[0].Close()
		for more := true; more && c.wait(); {
			var n notification
			if c.ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) != nil {
				continue // interrupted
			}
			more = c.at(n.id, yield)
		}
	}
}

// at lets the call go on, also when the loop's body ends the goroutine.
func (c *Calls) at(id uint64, yield func(struct{}) bool) bool {
	c.failure = 0
	defer func() {
		a := answer{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if c.failure != 0 {
			a = answer{id: id, err: -int32(c.failure)}
		}
		_ = c.ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)) // interrupted: it comes again
	}()
	return yield(struct{}{})
}

// wait is for the next call, false without one.
func (c *Calls) wait() bool {
	for {
		fds := []unix.PollFd{{Fd: int32(c.listener), Events: unix.POLLIN}, {Fd: int32(c.ended[0].Fd()), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, -1)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && fds[0].Revents&unix.POLLIN != 0
		}
	}
}

func (c *Calls) ioctl(request uint, p unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.listener), uintptr(request), uintptr(p))
	if errno != 0 {
		return errno
	}
	return nil
}

// End says that the thread makes no more calls.
func (c *Calls) End() error { return c.ended[1].Close() }

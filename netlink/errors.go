package netlink

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Operations that [Error.Op] and [Warning.Op] name.
const (
	opAttachXDP = "attach xdp"
	opDetachXDP = "detach xdp"
	opLink      = "find link"
	opLinks     = "list links"
)

// ErrInterrupted ends an iteration whose objects changed while the kernel
// listed them (NLM_F_DUMP_INTR), several times in a row. What was yielded
// before it may lack an object or hold one twice.
var ErrInterrupted = errors.New("the kernel's list changed while it was read")

// An Error is a request that the kernel refused, or that never reached it.
type Error struct {
	// Op is what was asked, such as "attach xdp".
	Op string
	// Ifindex is the device that was asked about, 0 if none.
	Ifindex int
	// Message is the kernel's own sentence, from the extended acknowledgement,
	// as it was sent; empty where the kernel gives a bare error number.
	Message string
	// Unanswered reports that the request was sent, but that its answer could not
	// be read: the kernel may have made the change. Look at what is there now.
	Unanswered bool
	// Err is the cause: a [syscall.Errno] if the kernel refused.
	Err error
}

// Error is the operation, the kernel's sentence if any, and the error number's
// text. The device is left to the caller, who knows its name.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + ": " + strings.TrimSuffix(e.Message, ".") + " (" + e.Err.Error() + ")"
}

// Unanswered reports whether an error is an [*Error] that is Unanswered.
func Unanswered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Unanswered
}

// Unwrap returns Err, so that [errors.Is] finds the error number.
func (e *Error) Unwrap() error { return e.Err }

// Errno is the error number with which the kernel refused, 0 if it did not: that
// of a system call which could not send or receive is in Err alone.
func (e *Error) Errno() syscall.Errno {
	if _, ours := errors.AsType[*os.SyscallError](e.Err); ours {
		return 0
	}
	errno, _ := errors.AsType[syscall.Errno](e.Err)
	return errno
}

// ErrnoName is the name of an error number in Linux's manual pages, such as
// "EOPNOTSUPP", of two for one number the usual one; "" for a number without one.
func ErrnoName(errno syscall.Errno) string {
	switch errno {
	case syscall.EOPNOTSUPP: // which the tables of package unix call ENOTSUP
		return "EOPNOTSUPP"
	case _ENOTSUPP:
		return "ENOTSUPP"
	default:
		return unix.ErrnoName(errno)
	}
}

// Is maps the kernel's error numbers to the errors of package os beyond what
// [syscall.Errno.Is] does:
//
//   - [os.ErrNotExist]: ENOENT, and ENODEV (no such device)
//   - [os.ErrExist]: EEXIST, and for XDP also EBUSY, which there means that a
//     program or a bpf_link holds the hook (net/core/dev.c, dev_xdp_attach)
//   - [errors.ErrUnsupported]: EOPNOTSUPP, ENOSYS, and the 524 (ENOTSUPP)
//     that drivers leak
//   - [os.ErrPermission]: EPERM, EACCES
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Errno() == syscall.ENODEV
	case fs.ErrExist:
		return e.Errno() == syscall.EBUSY && (e.Op == opAttachXDP || e.Op == opDetachXDP)
	case errors.ErrUnsupported:
		return e.Errno() == _ENOTSUPP
	}
	return false
}

// A Warning is a sentence that the kernel added to a request that it carried out.
type Warning struct {
	// Op and Ifindex are those of the request, as in [Error].
	Op      string
	Ifindex int
	// Message is the kernel's sentence as it was sent.
	Message string
}

// newError gives err, of package mdlayher/netlink or of ours, its context.
func newError(op string, ifindex int, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Ifindex: ifindex, Err: err}
	if oe, ok := errors.AsType[*netlink.OpError](err); ok {
		e.Err, e.Message = oe.Err, oe.Message
		e.Unanswered = oe.Op == "receive" && oe.Sequence == 0
	}
	return e
}

// unread is the error of a change that the kernel has made, and whose echo cannot
// be read: err says why.
func (r *request) unread(err error) error {
	return &Error{Op: r.op, Ifindex: r.ifindex, Unanswered: true, Err: err}
}

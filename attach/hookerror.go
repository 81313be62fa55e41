package attach

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

const (
	opAttach = "attach"
	opDetach = "detach"
	opLook   = "look at"
)

// HookError is a refusal of bpf(2), whose answer has no place for a reason, and what is
// known of the reason.
type HookError struct {
	Op    string // "attach", "detach", or "look at" before either
	Hook  string // "tcx/ingress"
	Cause string // empty if the number is all
	// Message is the kernel's own sentence, as in [netlink.Error]: of XDP only, since Linux 6.7,
	// and for who has CAP_PERFMON.
	Message string
	// Since is the first kernel that has the hook, if this one does not.
	Since string
	Err   error // an errno
}

func (e *HookError) Error() string {
	op := e.Op + " " + e.Hook
	if e.Cause == "" {
		return (&netlink.Error{Op: op, Message: e.Message, Err: e.Err}).Error()
	}
	return op + ": " + e.Cause + " (" + netlink.ErrnoName(e.errno()) + ")"
}

// Unwrap returns the error number.
func (e *HookError) Unwrap() error { return e.Err }

func (e *HookError) errno() unix.Errno {
	errno, _ := errors.AsType[unix.Errno](e.Err)
	return errno
}

// Is maps what the error number does not: a kernel without the hook is
// errors.ErrUnsupported, ENODEV is os.ErrNotExist, EBUSY is os.ErrExist.
func (e *HookError) Is(target error) bool {
	switch target {
	case errors.ErrUnsupported:
		return e.Since != ""
	case os.ErrNotExist:
		return e.errno() == unix.ENODEV
	case os.ErrExist:
		return e.errno() == unix.EBUSY
	}
	return false
}

// refused is a refusal of ours, with the number that the kernel would give.
func (m mprog) refused(op string, errno unix.Errno, format string, args ...any) error {
	return &HookError{Op: op, Hook: m.name(), Err: errno, Cause: fmt.Sprintf(format, args...)}
}

// explain gives the reason of an error number.
func (m mprog) explain(c *netlink.Conn, op string, err error) error {
	errno, ok := errors.AsType[unix.Errno](err)
	if !ok {
		return err
	}
	out := &HookError{Op: op, Hook: m.name(), Err: errno}
	switch errno {
	case unix.EINVAL:
		if _, _, err := sys.QueryPrograms(m.ifindex, m.point); errors.Is(err, unix.EINVAL) {
			m.lacking(out)
		} else {
			out.Cause = "the program was loaded for another hook, or is of another type"
		}
	case unix.ESTALE:
		out.Cause = fmt.Sprintf("the hook is no longer at revision %d", m.Revision)
	case unix.EEXIST:
		out.Cause = "the program is already on the hook, and can be there only once"
	case unix.ERANGE:
		out.Cause = "the hook has 64 programs, and room for no more"
	case unix.ENOLINK:
		out.Cause = "the bpf_link was detached, and can hold nothing any more"
	case unix.ENXIO, unix.EACCES, unix.ENODEV, unix.EOPNOTSUPP:
		out.Cause = m.wrongDevice(c, errno)
	default:
	}
	return out
}

// lacking is a kernel that does not know the hook.
func (m mprog) lacking(e *HookError) {
	switch m.point {
	case sys.TCXIngress, sys.TCXEgress:
		e.Since = "6.6"
		e.Cause = "this kernel has no tcx, which needs Linux 6.6 and CONFIG_NET_XGRESS"
	default:
		e.Since = "6.7"
		e.Cause = "this kernel has no netkit, which needs Linux 6.7 and CONFIG_NETKIT"
	}
}

// wrongDevice says why netkit programs cannot be attached through a device
// (drivers/net/netkit.c, netkit_dev_fetch).
func (m mprog) wrongDevice(c *netlink.Conn, errno unix.Errno) string {
	dev, err := c.LinkByIndex(m.ifindex)
	switch {
	case err != nil || m.point != sys.NetkitPrimary && m.point != sys.NetkitPeer:
		return ""
	case errno == unix.EOPNOTSUPP && (dev.Netkit == nil || !dev.Netkit.Single):
		return ""
	case errno == unix.EOPNOTSUPP:
		return fmt.Sprintf("%s is a single netkit device, and only pairs run programs", dev.Name)
	case errno == unix.ENXIO:
		return fmt.Sprintf("%s is not a netkit device", dev.Name)
	case errno == unix.ENODEV:
		return fmt.Sprintf("%s is a single netkit device: it has no peer", dev.Name)
	}
	primary := "which is in another network namespace"
	if dev.PeerNetNSID == nil {
		if l, err := c.LinkByIndex(dev.PeerIndex); err == nil {
			primary = l.Name
		}
	}
	return fmt.Sprintf("%s is the peer of a netkit pair: its programs too are attached through the primary device, %s", dev.Name, primary)
}

package attach

import (
	"errors"
	"fmt"
	"os"

	"github.com/xdpload/xdpload/netlink"
)

// happened finds out whether a change was made that the kernel was asked for.
// Where its answer was lost, what is there now tells.
func (e *session) happened(m *move, err error) (bool, error) {
	if !netlink.Unanswered(err) {
		return err == nil, err
	}
	made, lookErr := m.took(e, m)
	if made {
		e.warn(fmt.Errorf("%s: the change was made, but its answer was lost: %w", m.Device, err))
		return true, nil
	}
	return false, errors.Join(err, lookErr)
}

// unasked reports that the kernel could not be asked, or that its answer was lost.
func unasked(err error) bool {
	_, ok := errors.AsType[*os.SyscallError](err)
	return ok
}

// answered are the steps of a hook that bpf(2) changes, which says itself what it
// has done.
type answered struct{}

// local marks them: bpf(2) works in the network namespace of the calling thread.
func (answered) local() {}

func (answered) took(*session, *move) (bool, error) { return false, nil }

// undoOne is undo of one move, whose answer may be lost too.
func (e *session) undoOne(m *move) error {
	err := m.undo(e, m)
	if netlink.Unanswered(err) {
		if still, lookErr := m.took(e, m); !still && lookErr == nil {
			return nil
		}
	}
	return err
}

package attach

import (
	"errors"
	"os"

	"github.com/xdpload/xdpload/internal/sys"
)

// errKeptAnother says that a program was pinned which is not the one that was replaced.
var errKeptAnother = errors.New("others replace the program that is to be kept faster than it can be")

// stageKept has the program in the place that a move takes pinned where its plan keeps it.
func (e *session) stageKept(m *move) error {
	if m.keepAt == "" || m.old == 0 {
		return nil
	}
	if _, err := os.Lstat(m.keepAt); err == nil {
		return &os.PathError{Op: "pin", Path: m.keepAt, Err: os.ErrExist}
	}
	fd, err := e.restorable(m.old)
	if err != nil {
		return err
	}
	txn, err := e.transaction(m.keepAt)
	if err != nil {
		return err
	}
	info := e.Known.Program(m.old)
	m.kept, e.keeps = m.old, &info
	return txn.Pin(m.keepAt, pinFunc(func(path string) error { return sys.Pin(fd, path) }))
}

// checkKept refuses what was made in the place of another program than the one that is
// kept: someone else was faster.
func (e *engine) checkKept() error {
	for _, m := range e.moves {
		if m.keepAt != "" && m.made && m.old != m.kept {
			return errKeptAnother
		}
	}
	return nil
}

// noteKept says in the outcomes what was kept.
func (e *engine) noteKept() {
	for _, m := range e.moves {
		if m.made && m.kept != 0 {
			m.Attachment.Kept = m.keepAt
		}
	}
}

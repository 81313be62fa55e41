package attach

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// errGone says that a program is no longer there to be kept.
var errGone = errors.New("the program is gone")

// save opens a program. Without the privilege it is neither compared with nor
// put back.
func (e *session) save(program uint32) error {
	if _, ok := e.saved[program]; ok {
		return nil
	}
	fd, err := sys.ProgramByID(program)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errGone
	case errors.Is(err, os.ErrPermission) && !e.Atomic:
		fd = -1
	case err != nil:
		return err
	}
	e.saved[program] = fd
	return nil
}

// kept is the descriptor of a program that is kept, or why it is not.
func (e *session) kept(program uint32) (int, error) {
	if fd := e.savedFD(program); fd >= 0 {
		return fd, nil
	}
	return -1, fmt.Errorf("program id %d may not be opened: %w", program, unix.EPERM)
}

// savedFD is the descriptor of a program that is kept, -1 for one that is not.
func (e *session) savedFD(program uint32) int {
	if fd, ok := e.saved[program]; ok {
		return fd
	}
	return -1
}

// forget closes what was saved.
func (e *session) forget() {
	for _, fd := range e.saved {
		if fd >= 0 {
			_ = sys.Close(fd)
		}
	}
	clear(e.saved)
}

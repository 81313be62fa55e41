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
func (e *engine) save(program uint32) error {
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
func (e *engine) kept(program uint32) (int, error) {
	if fd := e.savedFD(program); fd >= 0 {
		return fd, nil
	}
	return -1, fmt.Errorf("program id %d may not be opened: %w", program, unix.EPERM)
}

// savedFD is the descriptor of a program that is kept, -1 for one that is not.
func (e *engine) savedFD(program uint32) int {
	if fd, ok := e.saved[program]; ok {
		return fd
	}
	return -1
}

// dropLinks is for a load of which nothing is to stay.
func (e *engine) dropLinks() {
	for _, m := range e.moves {
		if s, ok := m.steps.(*linkSteps); ok {
			s.drop()
		}
	}
}

func (e *engine) close() {
	for _, m := range e.moves {
		if s, ok := m.steps.(*linkSteps); ok {
			s.close()
		}
	}
	for _, fd := range e.saved {
		if fd >= 0 {
			_ = sys.Close(fd)
		}
	}
	clear(e.saved)
}

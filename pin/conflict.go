package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ConflictError says that a path is not as the transaction expects it: another
// load has pinned there (errors.Is os.ErrExist), what [Txn.LoadMap] found
// there is gone (os.ErrNotExist), or this process has another transaction under
// way. The load as a whole may be tried again: it
// will find and reuse the pin, or make a new one.
type ConflictError struct {
	Path string
	Err  error
}

func (e *ConflictError) Error() string {
	switch {
	case ignoreBusy(e.Err) == nil:
		return e.Err.Error()
	case errors.Is(e.Err, fs.ErrExist):
		return fmt.Sprintf("pin %s: pinned by someone else in the meantime", e.Path)
	}
	return fmt.Sprintf("pin %s: removed or replaced by someone else in the meantime", e.Path)
}

// Unwrap returns the cause.
func (e *ConflictError) Unwrap() error { return e.Err }

// conflict makes a ConflictError of an error that is cause.
func conflict(path string, err, cause error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cause):
		return &ConflictError{Path: path, Err: err}
	}
	return &os.PathError{Op: "pin", Path: path, Err: err}
}

package env

import (
	"errors"
	"os"

	"github.com/xdpload/xdpload/internal/render"
)

// Globals are the options before the first word.
type Globals struct {
	render.Options
	Netns string
	BPFFS string
	// Replace takes what is there out of the way: programs on hooks, files.
	Replace bool
	// Continue has a batch go on after a line that fails.
	Continue bool
	// Idempotent leaves a hook alone that runs the program already.
	Idempotent bool
	AllNetns   bool
	Atomic     bool
	Jobs       int // 0 is the default
	// LockTimeout is in seconds, 0 for the default.
	LockTimeout int
	Batch       string
	Echo        bool
	Version     bool
	Given       []string // the main names of the options of the line
	Help        bool
}

// OptionError is a global option that cannot be.
type OptionError struct{ Err error }

func (e *OptionError) Error() string { return e.Err.Error() }
func (e *OptionError) Unwrap() error { return e.Err }

// Hints lead to the options.
func (e *OptionError) Hints() []string {
	if _, file := errors.AsType[*os.PathError](e.Err); file {
		return nil
	}
	return []string{"xdpload help"}
}

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/offload"
)

// commandError says which command failed.
type commandError struct {
	Command string
	Err     error
}

func (e *commandError) Error() string { return e.Command + ": " + e.Err.Error() }
func (e *commandError) Unwrap() error { return e.Err }

// linkError says which device a command failed on.
type linkError struct {
	Device string
	Err    error
}

func (e *linkError) Error() string { return e.Device + ": " + e.Err.Error() }
func (e *linkError) Unwrap() error { return e.Err }

// deviceError says that no device has a name.
type deviceError struct {
	Name    string
	Pattern bool // several names
	Err     error
}

func (e *deviceError) Error() string {
	switch {
	case errors.Is(e.Err, os.ErrNotExist) && e.Pattern:
		return "no device has a name that matches"
	case errors.Is(e.Err, os.ErrNotExist):
		return "no such device"
	}
	return e.Err.Error()
}

func (e *deviceError) Unwrap() error { return e.Err }

// objectError says which object, and which program of it, a command failed on.
type objectError struct {
	Object  string
	Program string
	Verbose bool // the user asked for the whole log
	Err     error
}

// Error puts the object in front of what is wrong with it.
func (e *objectError) Error() string {
	_, load := errors.AsType[*load.Error](e.Err)
	_, finding := errors.AsType[*offload.Finding](e.Err)
	if load || finding {
		return e.Object + ": " + e.Err.Error()
	}
	return e.Err.Error()
}
func (e *objectError) Unwrap() error { return e.Err }

// lineError says which line of a batch failed.
type lineError struct {
	File string
	Line int
	Err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *lineError) Unwrap() error { return e.Err }

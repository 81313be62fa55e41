package env

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// A Hinter is an error that knows its way out.
type Hinter interface {
	error
	// Hints are lines for a person, with commands that work as they stand; nil if it
	// knows none after all.
	Hints() []string
}

// WithHints gives an error the ways out that are known where it happens.
func WithHints(err error, hints ...string) error { return &hinted{err, hints} }

type hinted struct {
	error
	hints []string
}

func (e *hinted) Unwrap() error   { return e.error }
func (e *hinted) Hints() []string { return e.hints }

// CommandError says which command failed.
type CommandError struct {
	Command string
	Line    Line
	Err     error
}

func (e *CommandError) Error() string { return e.Command + ": " + e.Err.Error() }
func (e *CommandError) Unwrap() error { return e.Err }

// LinkError says which device a command failed on.
type LinkError struct {
	Device string
	Err    error
}

func (e *LinkError) Error() string { return e.Device + ": " + e.Err.Error() }
func (e *LinkError) Unwrap() error { return e.Err }

// About says which device an error is about, none for "".
func About(device string, err error) error {
	if err == nil || device == "" {
		return err
	}
	return &LinkError{Device: device, Err: err}
}

// DeviceError says that no device has a name.
type DeviceError struct {
	Name    string
	Pattern bool // several names
	Err     error
}

func (e *DeviceError) Error() string {
	switch {
	case errors.Is(e.Err, os.ErrNotExist) && e.Pattern:
		return "no device has a name that matches"
	case errors.Is(e.Err, os.ErrNotExist):
		return "no such device"
	}
	return e.Err.Error()
}

func (e *DeviceError) Unwrap() error { return e.Err }

// BlockError says that no qdisc has a shared block of filters.
type BlockError struct{ Block uint32 }

func (e *BlockError) Error() string { return "no qdisc has such a block" }

// Hints say how one is made.
func (e *BlockError) Hints() []string {
	return []string{
		"xdpload tc qdisc show lists those that are there",
		fmt.Sprintf("xdpload tc qdisc add dev DEV ingress_block %d clsact makes one", e.Block),
	}
}

// Hints say where names come from.
func (e *DeviceError) Hints() []string {
	if !errors.Is(e.Err, os.ErrNotExist) {
		return nil
	}
	return []string{"xdpload link show lists the devices of a network namespace, -netns NAME chooses one"}
}

// ObjectError says which object, and which program of it, a command failed on.
type ObjectError struct {
	Object  string
	Program string
	Verbose bool // the user asked for the whole log
	Err     error
}

// Error puts the object in front of what is wrong with it.
func (e *ObjectError) Error() string {
	_, load := errors.AsType[*load.Error](e.Err)
	_, finding := errors.AsType[*offload.Finding](e.Err)
	if load || finding {
		return e.Object + ": " + e.Err.Error()
	}
	return e.Err.Error()
}
func (e *ObjectError) Unwrap() error { return e.Err }

// LineError says which line of a batch failed.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Errno is the name of the error number of an error, such as "EBUSY"; what is not there
// has one even if no call said so. "" is none.
func Errno(err error) string {
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return netlink.ErrnoName(errno)
	}
	_, device := errors.AsType[*DeviceError](err)
	switch absent := errors.Is(err, os.ErrNotExist); {
	case absent && device:
		return netlink.ErrnoName(unix.ENODEV)
	case absent, errors.Is(err, ebpf.ErrKeyNotExist):
		return netlink.ErrnoName(unix.ENOENT)
	}
	return ""
}

// KernelMessage is the kernel's own sentence about an error, "" if it has none.
func KernelMessage(err error) string {
	if x, ok := errors.AsType[*netlink.Error](err); ok {
		return x.Message
	}
	if x, ok := errors.AsType[*attach.HookError](err); ok {
		return x.Message
	}
	return ""
}

// logTail is how many of the verifier's last lines are shown without verbose.
const logTail = 12

// Message leaves out what the failure has fields of its own for.
func Message(err error) string {
	switch x := err.(type) { //nolint:errorlint // the outermost layers only, one after the other
	case *CommandError:
		return Message(x.Err)
	case *LineError:
		return Message(x.Err)
	case *LinkError:
		return Message(x.Err)
	}
	return OneLine(err)
}

// OneLine is what an error says, with joined ones, which have a line each, separated by
// semicolons.
func OneLine(err error) string {
	message := err.Error()
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return message
	}
	var each []string
	for _, e := range joined.Unwrap() {
		each = append(each, OneLine(e))
	}
	return strings.Replace(message, errors.Join(joined.Unwrap()...).Error(), strings.Join(each, "; "), 1)
}

// VerifierLog returns the lines of the verifier's log that are printed with an error: all
// of them if the line said verbose, otherwise the last few.
func VerifierLog(err error, v *ebpf.VerifierError) []string {
	if x, ok := errors.AsType[*ObjectError](err); ok && x.Verbose {
		return v.Log
	}
	return load.LogTail(v.Log, logTail)
}

// The statuses with which the program ends.
const (
	StatusDone    = 0
	StatusWords   = 1 // the words of the command line are wrong, or a batch failed
	StatusRefused = 2 // the object, the kernel or the device refused
)

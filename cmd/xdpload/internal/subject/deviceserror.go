package subject

import (
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// DeviceFailure is why one of several devices refused.
type DeviceFailure struct {
	Device  string // or the word that found none
	Ifindex int    // 0 without
	Err     error
}

// DevicesError says which of several devices refused.
type DevicesError struct {
	Failed []DeviceFailure
	Of     int
	Undone bool // all others are as they were before
}

func (e *DevicesError) Error() string {
	s := fmt.Sprintf("%d of %s refused", len(e.Failed), Count(e.Of, "device"))
	if e.Undone {
		s += ", so nothing was changed"
	}
	return s
}

// Unwrap returns the errors in the order of the devices.
func (e *DevicesError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// Lines are one for each reason, with the names of all whose reason it is.
func (e *DevicesError) Lines() []string {
	var alike Alike
	for _, f := range e.Failed {
		alike.Add(f.Device, env.OneLine(f.Err))
	}
	var lines []string
	for _, reason := range alike.order {
		lines = append(lines, strings.Join(alike.names[reason], " ")+": "+reason)
	}
	return lines
}

// Refusal is the failure of a device for a script.
type Refusal struct {
	Device  string `json:"device"`
	Errno   string `json:"errno,omitempty"` // by name: "EBUSY"
	Message string `json:"message"`
	Kernel  string `json:"kernel_message,omitempty"`
}

func (f *DeviceFailure) refusal() Refusal {
	return Refusal{Device: f.Device, Errno: env.Errno(f.Err), Message: env.OneLine(f.Err), Kernel: env.KernelMessage(f.Err)}
}

// Refusals are the devices that were not changed, each with its reason, for JSON.
func (e *DevicesError) Refusals() []Refusal {
	out := make([]Refusal, len(e.Failed))
	for i := range e.Failed {
		out[i] = e.Failed[i].refusal()
	}
	return out
}

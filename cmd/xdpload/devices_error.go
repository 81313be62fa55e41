package main

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/netlink"
)

// deviceFailure is why one of several devices refused.
type deviceFailure struct {
	Device  string // or the word that found none
	Ifindex int    // 0 without
	Err     error
}

// devicesError says which of several devices refused.
type devicesError struct {
	Failed []deviceFailure
	Of     int
	Undone bool // all others are as they were before
}

func (e *devicesError) Error() string {
	s := fmt.Sprintf("%d of %s refused", len(e.Failed), count(e.Of, "device"))
	if e.Undone {
		s += ", so nothing was changed"
	}
	return s
}

// Unwrap returns the errors in the order of the devices.
func (e *devicesError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// lines are one for each reason, with the names of all whose reason it is.
func (e *devicesError) lines() []string {
	var reasons []string
	names := make(map[string][]string)
	for _, f := range e.Failed {
		reason := f.Err.Error()
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], f.Device)
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(names[reason], " ") + ": " + reason
	}
	return reasons
}

// hints are those of each device's error, each once, and no more than a person
// reads.
func (e *devicesError) hints() []string {
	const most = 4
	var all []string
	seen := make(map[string]bool)
	reasons := make(map[string]bool)
	for _, f := range e.Failed {
		if reason := f.Err.Error(); !reasons[reason] {
			reasons[reason] = true
			for _, hint := range hints(f.Err) {
				if !seen[hint] && len(all) < most {
					seen[hint] = true
					all = append(all, hint)
				}
			}
		}
	}
	return all
}

// refusal is the failure of a device for a script.
type refusal struct {
	Device  string `json:"device"`
	Errno   string `json:"errno,omitempty"` // by name: "EBUSY"
	Message string `json:"message"`
	Kernel  string `json:"kernel_message,omitempty"`
}

func (f *deviceFailure) refusal() refusal {
	r := refusal{Device: f.Device, Message: f.Err.Error()}
	if errno, ok := errors.AsType[unix.Errno](f.Err); ok {
		r.Errno = unix.ErrnoName(errno)
	}
	if x, ok := errors.AsType[*netlink.Error](f.Err); ok {
		r.Kernel = x.Message
	}
	return r
}

func (e *devicesError) refusals() []refusal {
	out := make([]refusal, len(e.Failed))
	for i := range e.Failed {
		out[i] = e.Failed[i].refusal()
	}
	return out
}

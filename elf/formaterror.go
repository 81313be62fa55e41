package elf

import (
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// FormatError says that a file is no BPF object, or which part of the object
// cannot be read.
type FormatError struct {
	Object  string // the file as it was given to Open or ReadNamed, or ""
	Section string // the section at fault, or "" for the whole file
	Offset  int64  // bytes from the start of Section, or of the file when Section is ""; 0 when no place is meant
	Msg     string // what is wrong
	Err     error  // the cause, or nil
}

// Error returns the fault on one line, with the object, section and offset that are known.
func (e *FormatError) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	if e.Section != "" {
		fmt.Fprintf(&b, "section %q: ", naming.Clip(e.Section))
	}
	if e.Offset != 0 {
		fmt.Fprintf(&b, "offset %#x: ", e.Offset)
	}
	b.WriteString(e.Msg)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// faultIn says what is wrong with a section, or with the file when section is "", at a
// byte of it unless that is 0. Names among the arguments are shortened.
func faultIn(section string, off uint64, format string, args ...any) *FormatError {
	return &FormatError{Section: section, Offset: int64(off), Msg: naming.Sprintf(format, args...)}
}

// and adds to the message, as faultIn makes it.
func (e *FormatError) and(format string, args ...any) *FormatError {
	e.Msg += naming.Sprintf(format, args...)
	return e
}

// because adds the cause.
func (e *FormatError) because(err error) *FormatError {
	e.Err = err
	return e
}

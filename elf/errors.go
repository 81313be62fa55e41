package elf

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

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

// NotFoundError says that a Selector chose no program, or could not choose
// between several.
type NotFoundError struct {
	Object   string    // the file as it was given to Open or ReadNamed, or ""
	Selector Selector  // what was asked for
	Msg      string    // what was not found
	Have     []Program // the programs to choose from, in file order
}

// Error returns what was not found and the programs that the object has.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	b.WriteString(e.Msg)
	if len(e.Have) > 0 {
		b.WriteString("; it has ")
		writeCandidates(&b, e.Have)
	}
	return b.String()
}

// maxCandidates keeps the message of an object with hundreds of programs readable.
const maxCandidates = 12

func writeCandidates(b *strings.Builder, progs []Program) {
	for i, p := range progs {
		if i == maxCandidates {
			fmt.Fprintf(b, " and %d more", len(progs)-i)
			return
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%s (section %s)", naming.Clip(p.Name), naming.Clip(p.Section))
	}
}

// TypeError says that a program cannot run at the wanted hook, or was not made for it:
// then [Selector].Force has it loaded all the same.
type TypeError struct {
	Object  string           // the file as it was given to Open or ReadNamed, or ""
	Program Program          // the program that was chosen
	Want    ebpf.ProgramType // what the hook runs
	Context string           // the structure that the program takes, if that says what it is
	Mild    bool             // it could be loaded
}

// Error returns what the program is, and what the hook would need.
func (e *TypeError) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	b.WriteString(naming.Sprintf("program %s in section %q ", e.Program.Name, e.Program.Section))
	switch {
	case e.Context != "":
		fmt.Fprintf(&b, "takes a struct %s, which is not what %s programs take", naming.Clip(e.Context), e.Want)
	case e.Mild:
		fmt.Fprintf(&b, "%s, and its verdicts mean something else where %s runs", e.Program.purpose(), e.Want)
	default:
		fmt.Fprintf(&b, "%s, it cannot run as %s", e.Program.purpose(), e.Want)
	}
	return b.String()
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// logTail is how many of the verifier's last lines are shown without verbose.
const logTail = 12

// failure is an error as a person or a script is told it.
type failure struct {
	Operation   string    `json:"operation,omitempty"` // the command
	File        string    `json:"file,omitempty"`      // of a batch
	Line        int       `json:"line,omitempty"`
	Device      string    `json:"device,omitempty"`
	Object      string    `json:"object,omitempty"`
	Program     string    `json:"program,omitempty"`
	Errno       string    `json:"errno,omitempty"` // by name: "EBUSY"
	Message     string    `json:"message"`
	Kernel      string    `json:"kernel_message,omitempty"`
	Refusals    []refusal `json:"devices,omitempty"` // of several
	Hints       []string  `json:"hints,omitempty"`
	VerifierLog []string  `json:"verifier_log,omitempty"` // the last lines, all with verbose
	Status      int       `json:"status"`
}

// report prints an error on standard error and returns the status.
func (e *env) report(err error) int {
	f := e.failure(err)
	switch {
	case e.tool.foreign():
		f.writeForeign(e.stderr, err)
	case e.JSON:
		e.encode(f)
	default:
		f.write(e.stderr, err)
	}
	return f.Status
}

func (e *env) failure(err error) *failure {
	f := &failure{Message: message(err), Status: status(err), Hints: hints(err)}
	if x, ok := errors.AsType[*commandError](err); ok {
		f.Operation = x.Command
	} else if x, ok := errors.AsType[*grammar.SyntaxError](err); ok {
		f.Operation = x.Command
	}
	if x, ok := errors.AsType[*lineError](err); ok {
		f.File, f.Line = x.File, x.Line
	}
	if x, ok := errors.AsType[*linkError](err); ok {
		f.Device = x.Device
	}
	if x, ok := errors.AsType[*netlink.Error](err); ok {
		f.Kernel = x.Message
	}
	f.Object, f.Program = subject(err)
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		f.Errno = unix.ErrnoName(errno)
	}
	if x, ok := errors.AsType[*devicesError](err); ok {
		f.Refusals = x.refusals()
	}
	if x, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		f.VerifierLog = verifierLog(err, x)
	}
	return f
}

// message leaves out what the failure has fields of its own for.
func message(err error) string {
	switch x := err.(type) { //nolint:errorlint // the outermost layers only, one after the other
	case *commandError:
		return message(x.Err)
	case *lineError:
		return message(x.Err)
	case *linkError:
		return message(x.Err)
	}
	return err.Error()
}

// subject is the object and the program that an error is about.
func subject(err error) (object, program string) {
	if x, ok := errors.AsType[*objectError](err); ok {
		object, program = x.Object, x.Program
	} else if x, ok := errors.AsType[*elf.FormatError](err); ok {
		object = x.Object
	} else if x, ok := errors.AsType[*elf.NotFoundError](err); ok {
		object = x.Object
	} else if x, ok := errors.AsType[*elfCheckError](err); ok {
		object = x.Object
	}
	if x, ok := errors.AsType[*load.Error](err); ok && x.Program != "" {
		program = x.Program
	}
	return object, program
}

func verifierLog(err error, v *ebpf.VerifierError) []string {
	if x, ok := errors.AsType[*objectError](err); ok && x.Verbose {
		return v.Log
	}
	return v.Log[max(0, len(v.Log)-logTail):]
}

// status tells wrong words from a refusal.
func status(err error) int {
	if _, ok := errors.AsType[*lineError](err); ok {
		return statusWords
	}
	if _, ok := errors.AsType[*batchError](err); ok {
		return statusWords
	}
	if _, ok := errors.AsType[*optionError](err); ok {
		return statusWords
	}
	if _, ok := errors.AsType[*grammar.SyntaxError](err); ok {
		return statusWords
	}
	return statusRefused
}

func (f *failure) write(w io.Writer, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "xdpload: %s\n", render.Line(err.Error()))
	if x, ok := errors.AsType[*devicesError](err); ok {
		for _, line := range x.lines() {
			fmt.Fprintf(&b, "  %s\n", render.Line(line))
		}
	}
	for _, line := range f.VerifierLog {
		fmt.Fprintf(&b, "  %s\n", render.Printable(line))
	}
	for _, hint := range f.Hints {
		fmt.Fprintf(&b, "hint: %s\n", render.Line(hint))
	}
	_, _ = io.WriteString(w, b.String())
}

// writeForeign prints what scripts that read ip and tc look for: first the
// kernel's sentence, closed with a full stop as libnetlink does.
func (f *failure) writeForeign(w io.Writer, err error) {
	var b strings.Builder
	x, ofKernel := errors.AsType[*netlink.Error](err)
	device, unknown := errors.AsType[*deviceError](err)
	switch {
	case unknown && errors.Is(err, os.ErrNotExist):
		fmt.Fprintf(&b, "Cannot find device \"%s\"\n", render.Line(device.Name))
	case f.Kernel != "":
		fmt.Fprintf(&b, "Error: %s.\n", strings.TrimSuffix(f.Kernel, "."))
	case ofKernel && x.Errno() != 0:
		fmt.Fprintf(&b, "RTNETLINK answers: %s\n", capital(x.Errno().Error()))
	default:
		fmt.Fprintf(&b, "Error: %s\n", render.Line(f.Message))
	}
	if ofKernel && strings.HasPrefix(f.Operation, "tc filter ") {
		b.WriteString("We have an error talking to the kernel\n")
	}
	for _, line := range f.VerifierLog {
		fmt.Fprintf(&b, "%s\n", line)
	}
	_, _ = io.WriteString(w, b.String())
}

// capital writes an error number's text as the C library does.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/elfcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// Failure is an error as a person or a script is told it.
type Failure struct {
	Operation   string            `json:"operation,omitempty"` // the command
	File        string            `json:"file,omitempty"`      // of a batch
	Line        int               `json:"line,omitempty"`
	Device      string            `json:"device,omitempty"`
	Object      string            `json:"object,omitempty"`
	Program     string            `json:"program,omitempty"`
	Errno       string            `json:"errno,omitempty"` // by name: "EBUSY"
	Message     string            `json:"message"`
	Kernel      string            `json:"kernel_message,omitempty"`
	Refusals    []subject.Refusal `json:"devices,omitempty"` // of several
	Hints       []string          `json:"hints,omitempty"`
	VerifierLog []string          `json:"verifier_log,omitempty"` // the last lines, all with verbose
	Status      int               `json:"status"`
}

// report prints an error on standard error and returns the status.
func report(e *env.Env, err error) int {
	f := failure(err)
	for i, hint := range f.Hints {
		f.Hints[i] = e.Here(hint)
	}
	switch {
	case e.Tool.Foreign():
		f.Status = foreignStatus(e.Tool, err)
		f.writeForeign(e.Stderr, err)
	case e.JSON:
		e.Encode(f)
	default:
		f.Write(e.Stderr, err)
	}
	return f.Status
}

func failure(err error) *Failure {
	f := &Failure{Message: env.Message(err), Errno: env.Errno(err), Kernel: env.KernelMessage(err), Status: status(err), Hints: Hints(err)}
	if x, ok := errors.AsType[*env.CommandError](err); ok {
		f.Operation = x.Command
	} else if x, ok := errors.AsType[*grammar.SyntaxError](err); ok {
		f.Operation = x.Command
	}
	if x, ok := errors.AsType[*env.LineError](err); ok {
		f.File, f.Line = x.File, x.Line
	}
	if x, ok := errors.AsType[*env.LinkError](err); ok {
		f.Device = x.Device
	}
	f.Object, f.Program = objectOf(err)
	if x, ok := errors.AsType[*subject.DevicesError](err); ok {
		f.Refusals = x.Refusals()
	}
	if x, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		f.VerifierLog = env.VerifierLog(err, x)
	}
	return f
}

// objectOf is the object and the program that an error is about.
func objectOf(err error) (object, program string) {
	if x, ok := errors.AsType[*env.ObjectError](err); ok {
		object, program = x.Object, x.Program
	} else if x, ok := errors.AsType[*elf.FormatError](err); ok {
		object = x.Object
	} else if x, ok := errors.AsType[*elf.NotFoundError](err); ok {
		object = x.Object
	} else if x, ok := errors.AsType[*elfcmd.ElfCheckError](err); ok {
		object = x.Object
	}
	if x, ok := errors.AsType[*load.Error](err); ok && x.Program != "" {
		program = x.Program
	}
	return object, program
}

// status tells wrong words from a refusal.
func status(err error) int {
	if _, ok := errors.AsType[*env.LineError](err); ok {
		return env.StatusWords
	}
	if _, ok := errors.AsType[*batchError](err); ok {
		return env.StatusWords
	}
	if _, ok := errors.AsType[*env.OptionError](err); ok {
		return env.StatusWords
	}
	if _, ok := errors.AsType[*grammar.SyntaxError](err); ok {
		return env.StatusWords
	}
	return env.StatusRefused
}

// Statuses of ip and tc that are not ours: -1 of a function that gives up, and what
// a failure in user space is that is none of the words.
const (
	foreignWords = 255
	foreignLocal = 1
)

// foreignStatus is the status with which ip or tc ends: as ours 2 when the kernel
// refused. A word after the kind of a qdisc or filter is foreignLocal there, and
// here foreignWords as every other.
func foreignStatus(tool env.Tool, err error) int {
	own := status(err)
	_, syntax := errors.AsType[*grammar.SyntaxError](err)
	_, option := errors.AsType[*env.OptionError](err)
	_, batch := errors.AsType[*env.LineError](err)
	_, device := errors.AsType[*env.DeviceError](err)
	_, block := errors.AsType[*env.BlockError](err)
	_, ofKernel := errors.AsType[*netlink.Error](err)
	_, file := errors.AsType[*fs.PathError](err)
	object, _ := objectOf(err)
	code := !ofKernel && (file || object != "")
	switch {
	case batch:
		return own
	case syntax, option:
		return foreignWords
	case block, device && errors.Is(err, os.ErrNotExist):
		return foreignLocal
	case code && tool == env.ToolIP:
		return foreignWords
	case code:
		return foreignLocal
	}
	return own
}

func (f *Failure) Write(w io.Writer, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "xdpload: %s\n", render.Line(env.OneLine(err)))
	if x, ok := errors.AsType[*subject.DevicesError](err); ok {
		for _, line := range x.Lines() {
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
func (f *Failure) writeForeign(w io.Writer, err error) {
	var b strings.Builder
	x, ofKernel := errors.AsType[*netlink.Error](err)
	device, unknown := errors.AsType[*env.DeviceError](err)
	block, noBlock := errors.AsType[*env.BlockError](err)
	switch {
	case unknown && errors.Is(err, os.ErrNotExist) && f.Operation == "link show":
		fmt.Fprintf(&b, "Device \"%s\" does not exist.\n", render.Line(device.Name))
	case unknown && errors.Is(err, os.ErrNotExist):
		fmt.Fprintf(&b, "Cannot find device \"%s\"\n", render.Line(device.Name))
	case noBlock:
		fmt.Fprintf(&b, "Cannot find block \"%d\"\n", block.Block)
	case f.Kernel != "":
		fmt.Fprintf(&b, "Error: %s.\n", strings.TrimSuffix(f.Kernel, "."))
	case ofKernel && x.Errno() != 0:
		fmt.Fprintf(&b, "RTNETLINK answers: %s\n", subject.Capital(x.Errno().Error()))
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

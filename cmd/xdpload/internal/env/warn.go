package env

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

// Encode writes JSON on standard error.
func (e *Env) Encode(v any) {
	_ = render.Write(e.Stderr, v, render.Options{JSON: true, Pretty: e.Pretty}) // there is nowhere left to report to
}

// Notice is what is said on standard error of work that goes well.
type Notice struct {
	Warning     string   `json:"warning,omitempty" text:"warning: %s\n"`
	Kernel      string   `json:"kernel_message,omitempty"` // which the warning has in it
	VerifierLog []string `json:"verifier_log,omitempty" text:"%s\n"`
}

// WriteText prints a line for each thing.
func (n Notice) WriteText(t *render.Text, _ render.Options) { t.Fields(n) }

// Warn says what a user should know of work that goes on.
func (e *Env) Warn(format string, args ...any) {
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = OneLine(err)
		}
	}
	e.Notify(Notice{Warning: fmt.Sprintf(format, args...)})
}

// PassOn tells what the kernel has said of requests that it carried out, since the last time.
func (e *Env) PassOn() {
	for _, w := range e.fromKernel {
		if e.Tool.Foreign() {
			line := "Warning: " + strings.TrimSuffix(render.Line(w.Message), ".") + ".\n"
			_, _ = io.WriteString(e.Stderr, line) // as in Encode
			continue
		}
		e.Notify(Notice{Warning: About(e.nameOf(w.Ifindex), errors.New(w.Op+": "+w.Message)).Error(), Kernel: w.Message})
	}
	e.fromKernel = nil
}

// nameOf is the device with an index, "" if there is none.
func (e *Env) nameOf(ifindex int) string {
	if ifindex == 0 {
		return ""
	}
	l, err := e.Conn.LinkByIndex(ifindex)
	if err != nil {
		return fmt.Sprintf("device with index %d", ifindex)
	}
	return l.Name
}

// Notify writes a notice to standard error, as JSON with -json.
func (e *Env) Notify(n Notice) {
	e.progress.Clear()
	if e.JSON && !e.Tool.Foreign() {
		e.Encode(n)
		return
	}
	_ = render.Write(e.Stderr, n, render.Options{}) // as in Encode
}

package env

import (
	"fmt"

	"github.com/xdpload/xdpload/internal/render"
)

// Encode writes JSON on standard error.
func (e *Env) Encode(v any) {
	_ = render.Write(e.Stderr, v, render.Options{JSON: true, Pretty: e.Pretty}) // there is nowhere left to report to
}

// Notice is what is said on standard error of work that goes well.
type Notice struct {
	Warning     string   `json:"warning,omitempty" text:"warning: %s\n"`
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

// Notify writes a notice to standard error, as JSON with -json.
func (e *Env) Notify(n Notice) {
	if e.JSON && !e.Tool.Foreign() {
		e.Encode(n)
		return
	}
	_ = render.Write(e.Stderr, n, render.Options{}) // as in Encode
}

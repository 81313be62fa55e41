package env

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

// Encode writes JSON on standard error.
func (e *Env) Encode(v any) {
	enc := json.NewEncoder(e.Stderr)
	enc.SetEscapeHTML(false)
	if e.Pretty {
		enc.SetIndent("", "    ")
	}
	_ = enc.Encode(v) // there is nowhere left to report to
}

// Notice is what is said on standard error of work that goes well.
type Notice struct {
	Warning     string   `json:"warning,omitempty"`
	VerifierLog []string `json:"verifier_log,omitempty"`
}

// Warn says what a user should know of work that goes on.
func (e *Env) Warn(format string, args ...any) {
	e.Notify(Notice{Warning: fmt.Sprintf(format, args...)})
}

// Notify writes a notice to standard error, as JSON with -json.
func (e *Env) Notify(n Notice) {
	if e.JSON && !e.Tool.Foreign() {
		e.Encode(n)
		return
	}
	var b strings.Builder
	if n.Warning != "" {
		fmt.Fprintf(&b, "warning: %s\n", render.Line(n.Warning))
	}
	for _, line := range n.VerifierLog {
		b.WriteString(render.Printable(line) + "\n")
	}
	_, _ = io.WriteString(e.Stderr, b.String()) // as in Encode
}

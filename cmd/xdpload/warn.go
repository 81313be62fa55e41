package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

// encode writes JSON on standard error.
func (e *env) encode(v any) {
	enc := json.NewEncoder(e.stderr)
	enc.SetEscapeHTML(false)
	if e.Pretty {
		enc.SetIndent("", "    ")
	}
	_ = enc.Encode(v) // there is nowhere left to report to
}

// notice is what is said on standard error of work that goes well.
type notice struct {
	Warning     string   `json:"warning,omitempty"`
	VerifierLog []string `json:"verifier_log,omitempty"`
}

// warn says what a user should know of work that goes on.
func (e *env) warn(format string, args ...any) {
	e.notify(notice{Warning: fmt.Sprintf(format, args...)})
}

func (e *env) notify(n notice) {
	if e.JSON && !e.tool.foreign() {
		e.encode(n)
		return
	}
	var b strings.Builder
	if n.Warning != "" {
		fmt.Fprintf(&b, "warning: %s\n", render.Line(n.Warning))
	}
	for _, line := range n.VerifierLog {
		b.WriteString(render.Printable(line) + "\n")
	}
	_, _ = io.WriteString(e.stderr, b.String()) // as in encode
}

package progcmd

import (
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/render"
)

// The name of a program comes from the object: it stays in its line.
func TestVerifyNameInLine(t *testing.T) {
	report := &verifyReport{File: "foo.o", Rejected: 1, Programs: []verifiedProgram{{Name: "a\nb", Result: resultRejected, Reason: "why"}}}
	var b render.Text
	report.WriteText(&b, render.Options{Brief: true})
	if first, _, _ := strings.Cut(b.String(), "\n"); !strings.HasSuffix(first, "b: rejected: why") {
		t.Errorf("the name is broken up:\n%s", &b)
	}
}

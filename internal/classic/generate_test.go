//go:build !guest

package classic

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/need"
)

//go:generate go test -run ^TestExpressions$ -update

var update = flag.Bool("update", false, "have tcpdump compile the expressions of testdata/filters.txt anew")

// TestExpressions has tcpdump compile the expressions of the fixture. Another
// libpcap may make other programs, which are read, written and read again.
func TestExpressions(t *testing.T) {
	need.Of(t, need.Command("tcpdump"))
	text, err := os.ReadFile("testdata/filters.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		expression, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		out, err := exec.CommandContext(t.Context(), "tcpdump", "-ddd", "-y", "EN10MB", "--", expression).Output()
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		program, _, err := Parse(string(out))
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		if again, err := ParseNumbers(FormatLines(program)); err != nil || FormatLines(again) != string(out) {
			t.Errorf("%s: %v, %s of\n%s", expression, err, FormatLines(program), out)
		}
		b.WriteString(expression + "\t" + Format(program) + "\n")
	}
	if *update && !t.Failed() {
		if err := os.WriteFile("testdata/filters.txt", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

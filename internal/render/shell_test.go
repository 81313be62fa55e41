package render

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/need"
)

// TestShell: a shell reads what was meant, and a terminal obeys nothing.
func TestShell(t *testing.T) {
	need.Of(t, need.Command("bash"))
	for _, w := range []string{
		"eth0", "foo/bar-1.o", "m:globals/x", "", "q;b", "$(id)", "`id`", "a b", "it's", `a\b`, "-x", "~", "*", "a\nb", "\x1b[31m1", "ä", "a\xffb",
		"\u202e", "'\n'\\1", "!!", "#x", "{a,b}",
	} {
		text := Shell(w)
		if strings.ContainsFunc(text, func(r rune) bool { return unprintable(r) }) || Line(text) != text {
			t.Errorf("%q is written %q", w, text)
		}
		out, err := exec.Command("bash", "-c", `printf %s/ `+text).Output()
		if string(out) != w+"/" {
			t.Errorf("%q is written %s, which the shell reads as %q, %v", w, text, out, err)
		}
	}
	if got := Shell("xdpload", "-f", "q;b"); got != "xdpload -f 'q;b'" {
		t.Errorf("got %s", got)
	}
}

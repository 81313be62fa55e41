package render

import (
	"bytes"
	"strings"
	"testing"
)

// TestScreen plays what a terminal makes of what is written.
func TestScreen(t *testing.T) {
	var w writes
	s := Screen{W: &w, Size: func() (int, int) { return 8, 5 }}
	terminal := []string{"$ top", ""}
	for _, tt := range []struct{ text, want string }{
		{"one\ntwo\nthree\n", "$ top|one|two|three|"},
		{"äöü 789 more\n2\n", "$ top|äöü 789 |2|"},
		{"1\n2\n3\n4\n", "$ top|1|2|3|4|"},
		{"1\n2\n3\n4\n5\n", "$ top|1|2|3|2 lines |"},
		{"\x1b[2J", `$ top|\x1b[2J|`},
	} {
		w.Reset()
		w.n = 0
		if err := s.Show(rude(tt.text), Options{}); err != nil || w.n != 1 {
			t.Fatalf("%q: %v, in %d pieces", tt.text, err, w.n)
		}
		terminal = play(t, terminal, w.String())
		if got := strings.Join(terminal, "|"); got != tt.want {
			t.Errorf("%q is shown as %s, want %s", tt.text, got, tt.want)
		}
	}
}

// play is what a terminal shows, whose cursor is at the beginning of its last line.
func play(t *testing.T, lines []string, text string) []string {
	t.Helper()
	at := len(lines) - 1
	if before, after, moved := strings.Cut(text, "A\r"); moved {
		n := int(before[len("\x1b[")] - '0')
		at, text = at-n, after
	}
	text, erased := strings.CutSuffix(text, "\x1b[J")
	if !erased {
		t.Fatalf("what was below is not erased: %q", text)
	}
	lines = lines[:at]
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\x1b[K\n")
		if !whole || bytes.ContainsRune([]byte(line), '\x1b') {
			t.Fatalf("a line is written %q", line)
		}
		lines = append(lines, line)
	}
	return append(lines, "")
}

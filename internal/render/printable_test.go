package render

import (
	"bytes"
	"testing"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain\ttext\n", "plain\ttext\n"},
		{"é … 語", "é … 語"},
		{"\x1b[2J\a\x7f", `\x1b[2J\x07\x7f`},
		{"a\u009bb", `a\x9bb`},
		{"a\xffb\xc3", `a\xffb\xc3`},
		{"\ufffd", "\ufffd"},
	} {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("Printable(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := Line("a\nb"); got != `a\nb` {
		t.Errorf("Line: %q", got)
	}
}

type rude string

func (r rude) WriteText(t *Text, _ Options) { t.WriteString(string(r)) }

func TestWritePrintable(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, rude("name \x1b]0;x\a\n"), Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "name \\x1b]0;x\\x07\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

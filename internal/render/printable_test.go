package render

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain\ttext\n", "plain\ttext\n"},
		{"é … 語", "é … 語"},
		{"\x1b[2J\a\x7f", `\x1b[2J\x07\x7f`},
		{"a\u009bb", `a\u009bb`},
		{"a\u202eb\u2066c\u200d", `a\u202eb\u2066c\u200d`},
		{"a\u2028b\u2029", `a\u2028b\u2029`},
		{"\ufeffa\U000e0001", `\ufeffa\U000e0001`},
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

// FuzzPrintable looks for what a terminal obeys in what is printed.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"plain", "a\x1b[2J\n", "\u202e\u2028\u0085", "\xff\xc3", "\ufffd\U000e0001", "é語"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := Printable(s)
		if !utf8.ValidString(text) {
			t.Errorf("Printable(%q) is not UTF-8", s)
		}
		for _, r := range text {
			if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("Printable(%q) has %q", s, r)
			}
		}
		if again := Printable(text); again != text {
			t.Errorf("Printable(%q) is %q, and of that %q", s, text, again)
		}
		if line := Line(s); strings.ContainsAny(line, "\n\u2028\u2029\u0085") {
			t.Errorf("Line(%q) is %q", s, line)
		}
	})
}

type rude string

func (r rude) WriteText(t *Text, _ Options) { t.WriteString(string(r)) }

// What stands for a verb is on one line, be it a string or an error; the format is as it is.
func TestPrintfLine(t *testing.T) {
	var b Text
	b.Printf("%s: %v\n%d\n", "a\nforged", errors.New("b\nforged"), 1)
	b.If(true, "%q %-4s|\n", "c\nd", "\n")
	if got, want := b.String(), "a\\nforged: b\\nforged\n1\n\"c\\nd\" \\n  |\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestWritePrintable(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, rude("name \x1b]0;x\a\n"), Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "name \\x1b]0;x\\x07\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

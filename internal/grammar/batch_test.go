package grammar

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Line
	}{
		{"empty", "", nil},
		{"blank and comment", "\n \t\r\n# a \"comment\n", nil},
		{"plain", "link show\n", []Line{{1, 1, []string{"link", "show"}}}},
		{"no newline", "link show", []Line{{1, 1, []string{"link", "show"}}}},
		{"carriage return", "a b\r\nc\r\n", []Line{{1, 1, []string{"a", "b"}}, {2, 2, []string{"c"}}}},
		{"comment in a word", "show no#pe\n", []Line{{1, 1, []string{"show", "no"}}}},
		{"quotes", `a "b c" 'd "e' "" f"g`, []Line{{1, 1, []string{"a", "b c", `d "e`, "", `f"g`}}}},
		{"after a quote", `"lo"x 'a''b'`, []Line{{1, 1, []string{"lo", "x", "a", "b"}}}},
		{"continued", "\nlink \\\n show\\\n x\ny\n", []Line{{2, 4, []string{"link", "show", "x"}}, {5, 5, []string{"y"}}}},
		{"continued in a word", "d\\\nev\n", []Line{{1, 2, []string{"dev"}}}},
		{"continued after a blank", "a \\ \nb", []Line{{1, 1, []string{"a", `\`}}, {2, 2, []string{"b"}}}},
		{"comment hides the backslash", "a # c \\\nb\n", []Line{{1, 1, []string{"a"}}, {2, 2, []string{"b"}}}},
		{"comment ends a continued line", "a \\\n # c\nb\n", []Line{{1, 2, []string{"a"}}, {3, 3, []string{"b"}}}},
		{"backslash at the end of the file", `a \`, []Line{{1, 1, []string{"a", `\`}}}},
		{"backslash in a word", `a\b`, []Line{{1, 1, []string{`a\b`}}}},
		{"quote over two lines", "a \"b\\\nc\"\n", []Line{{1, 2, []string{"a", "bc"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []Line
			for line, err := range Lines(strings.NewReader(tt.text)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLinesErrors(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		r    io.Reader
		err  error
		line int // where
		good int // lines without error
	}{
		{"quote", strings.NewReader("a\n\nb 'c\nd\n"), ErrQuote, 3, 2},
		{"endless line", strings.NewReader("a\n" + strings.Repeat("b", 1<<20)), ErrLong, 2, 1},
		{"continuation", strings.NewReader("a\nb \\\n"), ErrContinuation, 2, 1},
		{"reader", io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken)), broken, 1, 1},
		{"reader in a continued line", io.MultiReader(strings.NewReader("a\\\n"), iotest.ErrReader(broken)), broken, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var bad error
			good, number := 0, 0
			for line, err := range Lines(tt.r) {
				if err != nil {
					bad, number = err, line.Number
				} else {
					good++
				}
			}
			if !errors.Is(bad, tt.err) || number != tt.line || good != tt.good {
				t.Errorf("got %v in line %d after %d good lines", bad, number, good)
			}
		})
	}
}

func TestLinesStops(t *testing.T) {
	for line, err := range Lines(strings.NewReader("a\nb\n")) {
		if line.Number != 1 || err != nil {
			t.Fatalf("got line %d, %v", line.Number, err)
		}
		break
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a \"b c\" \\\n d # e\n'")
	f.Add("\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		for line, err := range Lines(strings.NewReader(text)) {
			if err != nil {
				continue
			}
			again, ok := quote(line.Words)
			if !ok {
				continue
			}
			for got, err := range Lines(strings.NewReader(again)) {
				if err != nil || !slices.Equal(got.Words, line.Words) {
					t.Fatalf("%q became %q, %v", line.Words, got.Words, err)
				}
			}
		}
	})
}

// quote writes the words as one line that [Lines] reads back, or reports
// false if there is none: no line can hold a #, a newline, or a word that
// needs quotes and has both kinds.
func quote(words []string) (line string, ok bool) {
	quoted := make([]string, len(words))
	for i, w := range words {
		switch {
		case strings.ContainsAny(w, "#\n"):
			return "", false
		case w != "" && !strings.ContainsAny(w, blanks) && w[0] != '\'' && w[0] != '"':
			quoted[i] = w
		case !strings.Contains(w, `"`):
			quoted[i] = `"` + w + `"`
		case !strings.Contains(w, "'"):
			quoted[i] = "'" + w + "'"
		default:
			return "", false
		}
	}
	return strings.Join(quoted, " "), true
}

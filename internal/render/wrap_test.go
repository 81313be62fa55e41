package render

import (
	"runtime"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"fits":               {"12345678901234567890\n", "12345678901234567890\n"},
		"between words":      {"one two three four five six\n", "one two three four\n    five six\n"},
		"word ends at width": {"one two three fourxx five\n", "one two three fourxx\n    five\n"},
		"deeper":             {"  one two three four five six\n", "  one two three four\n      five six\n"},
		"several times":      {"a bbbbbbbbbbbbbbbbbb cccccccccccccc dddd\n", "a bbbbbbbbbbbbbbbbbb\n    cccccccccccccc\n    dddd\n"},
		"blanks at the fold": {"one two three four   five six\n", "one two three four\n    five six\n"},
		"a list":             {"veth  yes  v0,v1,v2,v3,v4,v5,v6,v7\n", "veth  yes\n    v0,v1,v2,v3,v4,\n    v5,v6,v7\n"},
		"a long word":        {"a/very/long/path/of/a/file is long\n", "a/very/long/path/of/a/file\n    is long\n"},
		"one long word":      {"a/very/long/path/of/a/file\n", "a/very/long/path/of/a/file\n"},
		"characters":         {"éééé éééé éééé éééé ü\n", "éééé éééé éééé éééé\n    ü\n"},
		"a blank at the end": {"one two three fourxx \n", "one two three fourxx \n"},
		"a tab":              {"one\ttwo three four five six seven\n", "one\ttwo three four five six seven\n"},
		"mostly indent":      {"            one two three four\n", "            one two three four\n"},
		"each line":          {"one two three four five\nsix\n\nseven", "one two three four\n    five\nsix\n\nseven"},
	} {
		t.Run(name, func(t *testing.T) {
			if have := string(wrap([]byte(tt.text), 20)); have != tt.want {
				t.Errorf("%q, want %q", have, tt.want)
			}
		})
	}
}

type sentence struct{ asIs bool }

func (s sentence) WriteText(t *Text, _ Options) {
	if s.asIs {
		t.AsIs()
	}
	t.WriteString("one two three four five six\n")
}

// TestWriteWidth: who reads lines has them whole.
func TestWriteWidth(t *testing.T) {
	whole := "one two three four five six\n"
	for name, tt := range map[string]struct {
		value Texter
		o     Options
		want  string
	}{
		"a terminal": {sentence{}, Options{Width: 20}, "one two three four\n    five six\n"},
		"a list":     {List[sentence]{{}, {}}, Options{Width: 20}, strings.Repeat("one two three four\n    five six\n", 2)},
		"a pipe":     {sentence{}, Options{}, whole},
		"brief":      {sentence{}, Options{Width: 20, Brief: true}, whole},
		"as it is":   {List[sentence]{{asIs: true}}, Options{Width: 20}, whole},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := Write(&b, tt.value, tt.o); err != nil || b.String() != tt.want {
				t.Errorf("%q, %v, want %q", b.String(), err, tt.want)
			}
		})
	}
}

// TestWrapIsLinear: eight times the line takes about eight times the memory.
func TestWrapIsLinear(t *testing.T) {
	allocated := func(words int) uint64 {
		line := []byte(strings.Repeat("word ", words))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		wrap(line, 80)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if small, large := allocated(10000), allocated(80000); large > 16*small {
		t.Errorf("%d bytes for 10000 words, %d for 80000", small, large)
	}
}

// FuzzWrap: a fold is in the place of blanks, or adds some; no other character changes.
func FuzzWrap(f *testing.F) {
	f.Add("veth  yes  v0,v1,v2,v3,v4 é\n  x\n", 20)
	f.Fuzz(func(t *testing.T, text string, width int) {
		words := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		if have := string(wrap([]byte(text), width%200)); words(have) != words(text) {
			t.Errorf("%q became %q", text, have)
		}
	})
}

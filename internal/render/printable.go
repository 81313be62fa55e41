package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable writes control characters and broken UTF-8 as Go escapes, \x1b for
// one. Names from files and the kernel may hold what a terminal obeys. Tabs and
// newlines stay.
func Printable(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hidden(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain is a quick look for what Printable need not look at: ASCII without
// control characters.
func plain(b []byte) bool {
	for _, c := range b {
		if (c < ' ' && c != '\n' && c != '\t') || c >= 0x7f {
			return false
		}
	}
	return true
}

// Line is [Printable] for a text that must stay one line.
func Line(s string) string {
	return strings.ReplaceAll(Printable(s), "\n", `\n`)
}

func hidden(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

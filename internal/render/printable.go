package render

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable writes control characters, broken UTF-8, and what has no shape but changes
// how the text around it is shown, as Go escapes: \x1b, \u202e. Names from files and the
// kernel may hold what a terminal obeys. Tabs and newlines stay.
func Printable(s string) string {
	if plain(s) || strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hidden(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// plain is a quick look for what Printable need not look at: ASCII without
// control characters.
func plain[T string | []byte](text T) bool {
	for i := range len(text) {
		if c := text[i]; (c < ' ' && c != '\n' && c != '\t') || c >= 0x7f {
			return false
		}
	}
	return true
}

// Line is [Printable] for a text that must stay one line.
func Line(s string) string {
	if strings.IndexByte(s, '\n') < 0 {
		return Printable(s)
	}
	return strings.ReplaceAll(Printable(s), "\n", `\n`)
}

// Named is the name that [Line] shows as word; word itself, if it shows none so. What is
// shown can thus be given: "v\xff" is a device whose name is no UTF-8.
func Named(word string) string {
	if strings.IndexByte(word, '\\') < 0 {
		return word
	}
	var name []byte
	for rest := word; rest != ""; {
		if len(rest) > 1 && rest[0] == '\\' && strings.IndexByte("xuUn", rest[1]) >= 0 {
			if r, multibyte, tail, err := strconv.UnquoteChar(rest, 0); err == nil {
				if rest = tail; multibyte {
					name = utf8.AppendRune(name, r)
				} else {
					name = append(name, byte(r))
				}
				continue
			}
		}
		name, rest = append(name, rest[0]), rest[1:]
	}
	if Line(string(name)) != word {
		return word
	}
	return string(name)
}

// hidden reports whether a character is a control character, a break of lines or
// paragraphs, or one that formats: the directions of text, joiners, byte order marks.
func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return (r < ' ' || r == 0x7f) && r != '\n' && r != '\t'
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

package render

import (
	"bytes"
	"unicode/utf8"
)

// deeper is how many blanks the rest of a line has before it, beyond those of the line.
const deeper = 4

// wrap breaks lines of more than width characters between words, where there are none
// after a comma; the rest is indented. What cannot be broken stays long, and so does a
// line with a tab, or one that is mostly indent.
func wrap(text []byte, width int) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for line := range bytes.Lines(text) {
		words := bytes.TrimRight(line, " \n")
		tail := line[len(words):]
		words = bytes.TrimLeft(words, " ")
		indent := len(line) - len(words) - len(tail)
		if indent+deeper > width/2 || bytes.IndexByte(line, '\t') >= 0 {
			out = append(out, line...)
			continue
		}
		out = append(out, line[:indent]...)
		end := fold(words, width-indent)
		for ; end >= 0; end = fold(words, width-indent-deeper) {
			out = append(out, bytes.TrimRight(words[:end], " ")...)
			out = append(out, '\n')
			out = append(out, bytes.Repeat([]byte(" "), indent+deeper)...)
			words = bytes.TrimLeft(words[end:], " ")
		}
		out = append(append(out, words...), tail...)
	}
	return out
}

// fold is where to break words that have room for so many characters: at the last place
// that leaves no more before it, else at the first; -1 if they fit or have none.
func fold(words []byte, room int) int {
	blank, comma := -1, -1
	for i, column := 0, 0; i < len(words); column++ {
		r, n := utf8.DecodeRune(words[i:])
		first := max(blank, comma) < 0
		switch {
		case r == ' ' && (column <= room || first):
			blank = i
		case r == ',' && i+n < len(words) && words[i+n] != ' ' && (column < room || first):
			comma = i + n
		}
		switch {
		case column < room:
		case blank >= 0:
			return blank
		case comma >= 0:
			return comma
		}
		i += n
	}
	return -1
}

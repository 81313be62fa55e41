package render

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// A Screen is where values are shown on a terminal, each in the place of the one before.
type Screen struct {
	W io.Writer
	// Size is how many columns and lines the terminal has now.
	Size func() (columns, lines int)

	lines int // that are shown
}

// Show writes the text of a value over that of the last, in one call of W.Write. What
// does not fit is left out: the ends of long lines, and the last lines, of which the
// number is told. The cursor stays below it, so that nothing needs to be put back.
func (s *Screen) Show(v Texter, o Options) error {
	columns, lines := s.Size()
	var text, out bytes.Buffer
	o.JSON, o.Width = false, 0
	if err := Write(&text, v, o); err != nil {
		return err
	}
	if s.lines > 0 {
		fmt.Fprintf(&out, "\x1b[%dA\r", s.lines)
	}
	all := bytes.Split(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte("\n"))
	if most := max(lines-2, 1); lines > 0 && len(all) > most+1 {
		more := fmt.Appendf(nil, "%d lines more", len(all)-most)
		all = append(all[:most], more)
	}
	for _, line := range all {
		out.Write(first(line, columns))
		out.WriteString("\x1b[K\n") // and nothing of a longer one
	}
	out.WriteString("\x1b[J")
	s.lines = len(all)
	_, err := s.W.Write(out.Bytes())
	return err
}

// first is as many characters of a line as there are columns.
func first(line []byte, columns int) []byte {
	if columns <= 0 || utf8.RuneCount(line) <= columns {
		return line
	}
	end := 0
	for range columns {
		_, n := utf8.DecodeRune(line[end:])
		end += n
	}
	return line[:end]
}

package classic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SyntaxError says which line of a text is not an instruction.
type SyntaxError struct {
	Line int // from 1
	Err  error
}

// Error returns the line's number and what is wrong with it.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *SyntaxError) Unwrap() error { return e.Err }

// token is a word, a number or a mark; the end of the text is "".
type token struct {
	text string
	line int
}

func (t token) is(word string) bool { return strings.EqualFold(t.text, word) }

func (t token) String() string {
	if t.text == "" {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// number reports whether the token begins like a number.
func (t token) number() bool {
	s := strings.TrimLeft(t.text, "+-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// word reports whether the token is a name.
func (t token) word() bool { return t.text != "" && letter(t.text[0]) }

func letter(c byte) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}

const marks = ":,[]()+-*&#%"

// scanner cuts a text into tokens.
type scanner struct {
	rest  string
	line  int
	start bool // of a line
}

// next returns the next token. Its error is about a character.
func (s *scanner) next() (token, error) {
	if err := s.blank(); err != nil {
		return token{}, err
	}
	t := token{line: s.line}
	if s.rest == "" {
		return t, nil
	}
	n := 0
	for n < len(s.rest) && letter(s.rest[n]) {
		n++
	}
	if n == 0 {
		if !strings.Contains(marks, s.rest[:1]) {
			return t, &SyntaxError{s.line, fmt.Errorf("unexpected character %q", firstRune(s.rest))}
		}
		n = 1
	}
	t.text, s.rest, s.start = s.rest[:n], s.rest[n:], false
	return t, nil
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// blank skips what lies between tokens: comments too, of which one that begins
// with "#" is a whole line, as the C preprocessor leaves it.
func (s *scanner) blank() error {
	for s.rest != "" {
		switch c := s.rest[0]; {
		case c == '\n':
			s.line++
			s.start = true
			s.rest = s.rest[1:]
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			s.rest = s.rest[1:]
			s.start = false
		case c == ';', c == '#' && s.start:
			n := strings.IndexByte(s.rest, '\n')
			if n < 0 {
				n = len(s.rest)
			}
			s.rest = s.rest[n:]
		case strings.HasPrefix(s.rest, "/*"):
			n := strings.Index(s.rest[2:], "*/")
			if n < 0 {
				return &SyntaxError{s.line, fmt.Errorf("the comment has no end")}
			}
			s.line += strings.Count(s.rest[:n], "\n")
			s.rest, s.start = s.rest[n+4:], false
		default:
			return nil
		}
	}
	return nil
}

// parseNumber reads a number as bpf_asm does: of 32 bits, with or without a sign.
func parseNumber(text string) (uint32, error) {
	digits := strings.TrimLeft(text, "+-")
	v, err := strconv.ParseUint(digits, 0, 32)
	if err != nil || strings.Contains(digits, "_") || strings.HasPrefix(digits, "0o") || strings.HasPrefix(digits, "0O") {
		if errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%.40q does not fit in 32 bits", text)
		}
		return 0, fmt.Errorf("%.40q is not a number", text)
	}
	if strings.HasPrefix(text, "-") {
		if v > 1<<31 {
			return 0, fmt.Errorf("%.40q does not fit in 32 bits", text)
		}
		v = -v
	}
	return uint32(v), nil
}

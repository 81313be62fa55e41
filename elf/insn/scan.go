package insn

import (
	"fmt"
	"strconv"
	"strings"
)

// parser reads a line from its start.
type parser struct{ rest string }

// take removes a literal, with the blanks before it.
func (p *parser) take(literal string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, " \t"), literal)
	if ok {
		p.rest = rest
	}
	return ok
}

// keyword removes a word with a blank or nothing after it.
func (p *parser) keyword(word string) bool {
	rest, ok := strings.CutPrefix(p.rest, word)
	if ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
		p.rest = strings.TrimLeft(rest, " \t")
		return true
	}
	return false
}

func (p *parser) done() error {
	if strings.TrimSpace(p.rest) != "" {
		return fmt.Errorf("%q after its end", strings.TrimSpace(p.rest))
	}
	return nil
}

func (p *parser) number(bits int) (int64, error) {
	s := strings.TrimLeft(p.rest, " \t")
	n := len(s) - len(strings.TrimLeft(s, "+-"))
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'f' || s[n] >= 'A' && s[n] <= 'F' || s[n] == 'x') {
		n++
	}
	p.rest = s[n:]
	v, err := strconv.ParseInt(s[:n], 0, 64)
	if err != nil {
		var u uint64
		if u, err = strconv.ParseUint(strings.TrimPrefix(s[:n], "+"), 0, 64); err != nil {
			return 0, fmt.Errorf("%q is not a number", s[:n])
		}
		v = int64(u)
		if bits < 64 {
			return 0, fmt.Errorf("%s does not fit in %d bits", s[:n], bits)
		}
	}
	if bits < 64 && (v < -1<<(bits-1) || v >= 1<<bits) {
		return 0, fmt.Errorf("%s does not fit in %d bits", s[:n], bits)
	}
	return v, nil
}

// reg reads r3 or w3.
func (p *parser) reg() (n byte, half, ok bool) {
	s := strings.TrimLeft(p.rest, " \t")
	if len(s) < 2 || s[0] != 'r' && s[0] != 'w' {
		return 0, false, false
	}
	end := 1
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	v, err := strconv.ParseUint(s[1:end], 10, 8)
	if err != nil || v > 15 {
		return 0, false, false
	}
	p.rest = s[end:]
	return byte(v), s[0] == 'w', true
}

// operator reads the longest of the operators that fits, and returns its place among them.
func (p *parser) operator(ops []string) (int, bool) {
	best := -1
	s := strings.TrimLeft(p.rest, " \t")
	for i, op := range ops {
		if op != "" && strings.HasPrefix(s, op) && (best < 0 || len(op) > len(ops[best])) {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	p.rest = s[len(ops[best]):]
	return best, true
}

package insn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func (p *parser) done() error {
	if p.rest = strings.Trim(p.rest, blanks); p.rest != "" {
		return fmt.Errorf("%q after its end", p.rest)
	}
	return nil
}

func (p *parser) number(bits int) (int64, error) {
	s := strings.TrimLeft(p.rest, blanks)
	n := len(s) - len(strings.TrimLeft(s, "+-"))
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'f' || s[n] >= 'A' && s[n] <= 'F' || s[n] == 'x') {
		n++
	}
	v, err := strconv.ParseInt(s[:n], 0, 64)
	unsigned := false
	if err != nil {
		var u uint64
		if u, err = strconv.ParseUint(strings.TrimPrefix(s[:n], "+"), 0, 64); err != nil {
			return 0, fmt.Errorf("%q is not a number", s[:n])
		}
		v, unsigned = int64(u), true
	}
	p.rest = s[n:]
	if bits < 64 && (unsigned || v < -1<<(bits-1) || v >= 1<<bits) {
		return 0, fmt.Errorf("%s does not fit in %d bits", s[:n], bits)
	}
	return v, nil
}

var (
	errHalf = errors.New("a register and the lower half of one")
	errSame = errors.New("another register or size: only a register itself can be negated, swapped or fetched into, in its own size")
)

// register reads r3 or w3.
func (p *parser) register(verb byte) error {
	s := p.rest
	if len(s) < 2 || s[0] != 'r' && s[0] != 'w' {
		return errors.New("no register")
	}
	end := 1
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(s[1:end], 10, 8)
	if err != nil || n > 15 {
		return errors.New("no register")
	}
	half := s[0] == 'w'
	again := strings.Contains(p.before, "$"+string(verb))
	if verb == 'd' && !again && half {
		p.Op ^= otherHalf
	}
	if half != (verb >= 'a' && p.half()) {
		if verb == 's' {
			p.rest = s[end:]
		}
		return errHalf
	}
	p.rest = s[end:]
	if again && p.get(verb) != int64(n) {
		return errSame
	}
	p.put(verb, int64(n))
	return nil
}

package insn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Parse reads what [Instruction.Text] writes. The operand is the name in the
// place of a jump's target, of a called function, or of a number that is loaded; the
// instruction is complete when it is "".
func Parse(line string) (i Instruction, operand string, err error) {
	text := strings.Trim(line, blanks)
	if numbers, ok := strings.CutPrefix(text, ".insn"); ok && (numbers == "" || isBlank(numbers[0])) {
		if i, err = parseRaw(numbers); err != nil {
			return Instruction{}, "", fmt.Errorf("%q: %w", line, err)
		}
		return i, "", nil
	}
	left := len(text) + 1 // the form that got farthest tells what is wrong
	for n := range forms {
		if first := forms[n].text[:1]; first != "$" && !strings.HasPrefix(text, first) {
			continue
		}
		p := parser{rest: text, Instruction: forms[n].Instruction}
		failed := p.form(forms[n].text)
		if failed == nil {
			return p.Instruction, p.operand, nil
		}
		if p.rest = strings.TrimLeft(p.rest, blanks); len(p.rest) == len(text) {
			failed = errUnknown
		}
		if len(p.rest) <= left {
			left, err = len(p.rest), failed
		}
	}
	return Instruction{}, "", fmt.Errorf("%q: %w", line, err)
}

var errUnknown = errors.New("no instruction")

// parseRaw reads the fields of an instruction that has no other text.
func parseRaw(text string) (i Instruction, err error) {
	p := parser{rest: text}
	var v [6]int64
	n := 0
	for ; n < len(v) && strings.Trim(p.rest, blanks) != ""; n++ {
		if v[n], err = p.number([...]int{8, 8, 8, 16, 32, 32}[n]); err != nil {
			return i, err
		}
	}
	if n < 5 || v[1]|v[2] > 15 || v[1]|v[2] < 0 {
		return i, errors.New(".insn needs the opcode, two registers, the offset and the number")
	}
	i = Instruction{Op: byte(v[0]), Dst: byte(v[1]), Src: byte(v[2]), Off: int16(v[3]), Imm: int32(v[4]), High: int32(v[5]), Wide: n == 6}
	if i.Wide && i.Op != LoadImm64 {
		return i, errors.New("only a 64-bit load has two slots")
	}
	return i, p.done()
}

// parser reads a line from its start. After an error, rest is what follows the
// part that is wrong, or begins with what should be something else.
type parser struct {
	rest    string
	operand string
	Instruction
	before string // the part of the form that has been read
}

// form reads all of the line.
func (p *parser) form(form string) error {
	for text := form; text != ""; {
		var literal string
		var verb byte
		p.before = form[:len(form)-len(text)]
		literal, verb, text = cut(text)
		if !p.literal(literal) {
			return missing(literal)
		}
		if verb == 0 {
			break
		}
		if err := p.verb(verb); err != nil {
			return err
		}
	}
	return p.done()
}

// missing is a part of a form that is not there.
type missing string

func (m missing) Error() string { return "no " + strings.TrimSpace(string(m)) }

// literal reads a part of a form as it is, but for the blanks in it, before it and next to
// brackets, commas and stars. A word has one after it where the form has.
func (p *parser) literal(text string) bool {
	rest := p.rest
	for at := range len(text) {
		switch {
		case text[at] != ' ':
			if at == 0 || isMark(text[at]) || isMark(text[at-1]) {
				rest = strings.TrimLeft(rest, blanks)
			}
			if rest == "" || rest[0] != text[at] {
				return false
			}
			rest = rest[1:]
		case at > 0 && isLetter(text[at-1]) && rest != "" && !isBlank(rest[0]):
			return false
		default:
			rest = strings.TrimLeft(rest, blanks)
		}
	}
	p.rest = rest
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// blanks separate words. What else Unicode takes for a space is part of a name.
const blanks = " \t"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }

func isMark(c byte) bool { return strings.IndexByte("()[],*", c) >= 0 }

// isNumber reports whether what could be a name is a number that has a form of its own.
func isNumber(text string) bool {
	return slices.ContainsFunc([]string{"map[fd:", "map[idx:", "helper#", "kfunc#"}, func(begin string) bool {
		return strings.HasPrefix(text, begin)
	})
}

// verb reads what a verb stands for.
func (p *parser) verb(verb byte) error {
	p.rest = strings.TrimLeft(p.rest, blanks)
	if list := words(verb); list != nil {
		return p.word(verb, list)
	}
	bits := 32
	switch verb {
	case 'd', 's', 'D', 'S':
		return p.register(verb)
	case 'b':
		n, ok := HelperNumber(p.rest)
		if !ok {
			return errors.New("no function")
		}
		p.rest, p.Imm = "", n
		return nil
	case 'n':
		if !strings.HasPrefix(p.rest, "&") && !strings.HasPrefix(p.rest, "map[") || isNumber(p.rest) {
			return errors.New("no name")
		}
		p.rest, p.operand = "", p.rest
		return nil
	case 'j', 'J':
		return p.target(verb)
	case 'o', 'u', 'v':
		bits = 16
	case 'l':
		bits = 64
	}
	n, err := p.number(bits)
	p.put(verb, n)
	return err
}

// word reads the longest of the words that fits.
func (p *parser) word(verb byte, list []string) error {
	best := -1
	for n, word := range list {
		if word != "" && strings.HasPrefix(p.rest, word) && (best < 0 || len(word) > len(list[best])) {
			best = n
		}
	}
	if best >= 0 {
		p.rest = p.rest[len(list[best]):]
		p.put(verb, int64(best))
		return nil
	}
	switch verb {
	case 'a', 'k', 'f':
		return errUnknown
	case 'c':
		return errors.New("needs a register and a comparison")
	case 'y':
		return errSame
	}
	return errors.New("no size")
}

// target reads where a jump or a call goes to: "pc+3" is complete, all else the name
// of a place.
func (p *parser) target(verb byte) error {
	rest, relative := strings.CutPrefix(p.rest, "pc")
	switch {
	case p.Op == Call && (p.rest == "" || isNumber(p.rest)):
		return errors.New("no function")
	case p.rest == "":
		return errors.New("no target")
	case !relative || rest == "" || rest[0] != '+' && rest[0] != '-':
		p.rest, p.operand = "", p.rest
		if p.Op == Call {
			p.Imm = -1
		}
		return nil
	}
	p.rest = rest
	bits := 32
	if verb == 'j' {
		bits = 16
	}
	n, err := p.number(bits)
	p.put(verb, n)
	return err
}

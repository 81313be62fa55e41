package classic

import (
	"errors"
	"fmt"
)

// Assemble makes a program of a text, and says on which line each instruction
// stands. It does not [Check] the program. The error is a [*SyntaxError].
func Assemble(text string) (program []Instruction, lines []int, err error) {
	a := &assembler{scanner: scanner{rest: text, line: 1, start: true}, labels: make(map[string]int)}
	if err = a.advance(); err == nil {
		err = a.advance()
	}
	for err == nil && a.token.text != "" {
		err = a.statement()
	}
	if err == nil {
		err = a.link()
	}
	if err != nil {
		return nil, nil, err
	}
	return a.program, a.lines, nil
}

// assembler holds what has been read, and two tokens of what follows.
type assembler struct {
	scanner
	token, ahead token
	program      []Instruction
	lines        []int
	labels       map[string]int
	jumps        []jump
}

// jump waits for its label.
type jump struct {
	from  int
	to    token
	place place
}

// place is the field of an instruction that a label stands for.
type place uint8

const (
	placeTrue place = iota
	placeFalse
	placeAlways
)

func (a *assembler) advance() (err error) {
	a.token = a.ahead
	a.ahead, err = a.next()
	return err
}

// fail is an error at a token.
func (t token) fail(format string, args ...any) error {
	return &SyntaxError{t.line, fmt.Errorf(format, args...)}
}

// expect reads a mark or a word.
func (a *assembler) expect(text, what string) error {
	if !a.token.is(text) {
		return a.token.fail("%v in place of %q in %s", a.token, text, what)
	}
	return a.advance()
}

// skip reads a mark if it is there.
func (a *assembler) skip(mark string) (bool, error) {
	if a.token.text != mark {
		return false, nil
	}
	return true, a.advance()
}

// statement reads a label or an instruction.
func (a *assembler) statement() error {
	t := a.token
	if !t.word() || t.number() {
		return t.fail("%v in place of an instruction or a label", t)
	}
	if err := a.advance(); err != nil {
		return err
	}
	if a.token.text == ":" {
		if _, ok := a.labels[t.text]; ok {
			return t.fail("label %v twice", t)
		}
		a.labels[t.text] = len(a.program)
		return a.advance()
	}
	if !mnemonic(t.text) {
		return t.fail("%v is neither an instruction nor a label with a colon", t)
	}
	if len(a.program) == MaxInstructions {
		return t.fail("more than %d instructions", MaxInstructions)
	}
	a.lines = append(a.lines, t.line)
	i, err := a.instruction(t)
	a.program = append(a.program, i)
	return err
}

// instruction reads what follows the word that begins it.
func (a *assembler) instruction(t token) (i Instruction, err error) {
	o := named(t.text, formNone)
	if o == nil {
		if o, i.K, err = a.operand(t); err != nil {
			return i, err
		}
	}
	i.Code = o.code
	switch {
	case o.form == formJump:
		return i, a.label(placeAlways)
	case i.Conditional():
		return i, a.branches(o)
	}
	return i, nil
}

// operand reads the operand of an instruction other than its labels.
func (a *assembler) operand(t token) (*op, uint32, error) {
	if o := named(t.text, formJump); o != nil {
		return o, 0, nil
	}
	at := a.token
	f, k, err := a.form(t)
	if err != nil {
		return nil, 0, err
	}
	o := named(t.text, f)
	if o == nil {
		return nil, 0, at.fail("%s takes %s, not %s", t.text, operands(t.text), forms[f])
	}
	return o, k, nil
}

// form reads an operand, and tells which form it has.
func (a *assembler) form(t token) (f form, k uint32, err error) {
	first := a.token
	switch {
	case first.text == "[":
		return a.packet(t.text)
	case first.is("M") && a.ahead.text == "[":
		if err = a.advance(); err == nil {
			k, err = a.bracket(t.text)
		}
		return formMemory, k, err
	case first.text == "#" && a.ahead.word() && !a.ahead.number(), first.text == "%":
		if err = a.advance(); err != nil {
			return 0, 0, err
		}
		return a.name(t, first.text)
	case first.text == "#":
		if err = a.advance(); err == nil {
			k, err = a.numeral(t.text)
		}
		return formHex, k, err
	case first.number() && a.ahead.text == "*":
		k, err = a.shift(t.text)
		return formShift, k, err
	case first.number() || first.text == "-" || first.text == "+":
		k, err = a.numeral(t.text)
		return formNumber, k, err
	}
	return a.name(t, "")
}

// name reads a register or an extension; mark is what stood before it.
func (a *assembler) name(t token, mark string) (f form, k uint32, err error) {
	word := a.token
	e, ok := extensionNamed(word.text)
	switch {
	case mark != "#" && word.is("x"):
		f = formX
	case mark != "#" && word.is("a"):
		f = formA
	case mark != "%" && (word.is("len") || word.is("pktlen")):
		f = formLength
	case mark != "%" && ok:
		f, k = formAbsolute, extensions+uint32(e)
	default:
		return 0, 0, word.fail("%s takes %s, not %s%s", t.text, operands(t.text), mark, word)
	}
	return f, k, a.advance()
}

// numeral reads a number with or without a sign.
func (a *assembler) numeral(what string) (uint32, error) {
	t := a.token
	if t.text == "-" || t.text == "+" {
		if err := a.advance(); err != nil {
			return 0, err
		}
		if !a.token.number() {
			return 0, a.token.fail("%v in place of a number in %s", a.token, what)
		}
		t.text += a.token.text
	}
	if !t.number() {
		return 0, t.fail("%v in place of a number in %s", t, what)
	}
	k, err := parseNumber(t.text)
	if err != nil {
		return 0, t.fail("%s: %w", what, err)
	}
	return k, a.advance()
}

// bracket reads "[k]".
func (a *assembler) bracket(what string) (k uint32, err error) {
	if err = a.expect("[", what); err != nil {
		return 0, err
	}
	if k, err = a.numeral(what); err != nil {
		return 0, err
	}
	return k, a.expect("]", what)
}

// packet reads "[k]" or "[x + k]".
func (a *assembler) packet(what string) (f form, k uint32, err error) {
	if !a.ahead.is("x") && a.ahead.text != "%" {
		k, err = a.bracket(what)
		return formAbsolute, k, err
	}
	if err = a.advance(); err != nil {
		return 0, 0, err
	}
	if _, err = a.skip("%"); err != nil {
		return 0, 0, err
	}
	if err = a.expect("x", what); err != nil {
		return 0, 0, err
	}
	if a.token.text != "-" {
		if err = a.expect("+", what); err != nil {
			return 0, 0, err
		}
	}
	if k, err = a.numeral(what); err != nil {
		return 0, 0, err
	}
	return formIndirect, k, a.expect("]", what)
}

// shift reads "4*([k]&0xf)".
func (a *assembler) shift(what string) (k uint32, err error) {
	at := a.token
	four, err := a.numeral(what)
	for _, mark := range []string{"*", "("} {
		if err == nil {
			err = a.expect(mark, what)
		}
	}
	if err == nil {
		k, err = a.bracket(what)
	}
	if err == nil {
		err = a.expect("&", what)
	}
	var mask uint32
	if err == nil {
		mask, err = a.numeral(what)
	}
	if err == nil && (four != 4 || mask != 0xf) {
		err = at.fail("%s takes 4*([k]&0xf), not %d*([k]&%#x)", what, four, mask)
	}
	if err != nil {
		return 0, err
	}
	return k, a.expect(")", what)
}

// branches reads ", label", and another for what is not an inverse.
func (a *assembler) branches(o *op) error {
	if err := a.expect(",", o.name); err != nil {
		return err
	}
	if o.inverse {
		return a.label(placeFalse)
	}
	if err := a.label(placeTrue); err != nil {
		return err
	}
	if more, err := a.skip(","); !more || err != nil {
		return err
	}
	return a.label(placeFalse)
}

func (a *assembler) label(p place) error {
	if !a.token.word() || a.token.number() {
		return a.token.fail("%v in place of a label", a.token)
	}
	a.jumps = append(a.jumps, jump{len(a.program), a.token, p})
	return a.advance()
}

// link sets what labels stand for.
func (a *assembler) link() error {
	if len(a.program) == 0 {
		return &SyntaxError{a.line, errors.New("no instruction")}
	}
	for _, j := range a.jumps {
		to, ok := a.labels[j.to.text]
		skip, i := to-j.from-1, &a.program[j.from]
		switch {
		case !ok:
			return j.to.fail("label %v is not there", j.to)
		case to == len(a.program):
			return j.to.fail("label %v has no instruction after it", j.to)
		case j.place == placeAlways:
			i.K = uint32(skip)
		case skip < 0:
			return j.to.fail("label %v lies before the jump, where only ja can go", j.to)
		case skip > 255:
			return j.to.fail("label %v is %d instructions ahead, 255 is the farthest", j.to, skip)
		case j.place == placeTrue:
			i.JT = uint8(skip)
		default:
			i.JF = uint8(skip)
		}
	}
	return nil
}

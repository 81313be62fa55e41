package classic

import (
	"errors"
	"fmt"
)

// Assemble makes a program of a text, and says on which line each instruction
// stands. It does not [Check] the program. The error is a [*SyntaxError].
func Assemble(text string) (program []Instruction, lines []int, err error) {
	a := &assembler{scanner: scanner{rest: text, line: 1, start: true}, labels: make(map[string]int)}
	a.advance()
	a.advance()
	for a.err == nil && a.token.text != "" {
		a.statement()
	}
	if a.err == nil {
		a.err = a.link()
	}
	if a.err != nil {
		return nil, nil, a.err
	}
	return a.program, a.lines, nil
}

// assembler holds what has been read, and two tokens of what follows. After an
// error it stays at the token that it has.
type assembler struct {
	scanner
	token, ahead token
	program      []Instruction
	lines        []int
	labels       map[string]int
	jumps        []jump
	err          error // the first
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

func (a *assembler) advance() {
	if a.err == nil {
		a.token = a.ahead
		a.ahead, a.err = a.next()
	}
}

// fail is an error at a token.
func (t token) fail(format string, args ...any) error {
	return &SyntaxError{t.line, fmt.Errorf(format, args...)}
}

func (a *assembler) fail(t token, format string, args ...any) {
	if a.err == nil {
		a.err = t.fail(format, args...)
	}
}

// expect reads a mark or a word.
func (a *assembler) expect(text, what string) {
	if !a.token.is(text) {
		a.fail(a.token, "%v in place of %q in %s", a.token, text, what)
	}
	a.advance()
}

// skip reads a mark if it is there.
func (a *assembler) skip(mark string) bool {
	found := a.token.text == mark
	if found {
		a.advance()
	}
	return found
}

// statement reads a label or an instruction.
func (a *assembler) statement() {
	t := a.token
	if !t.word() || t.number() {
		a.fail(t, "%v in place of an instruction or a label", t)
	}
	a.advance()
	switch {
	case a.err != nil:
	case a.token.text == ":":
		if _, ok := a.labels[t.text]; ok {
			a.fail(t, "label %v twice", t)
		}
		a.labels[t.text] = len(a.program)
		a.advance()
	case !mnemonic(t.text):
		a.fail(t, "%v is neither an instruction nor a label with a colon", t)
	case len(a.program) == MaxInstructions:
		a.fail(t, "more than %d instructions", MaxInstructions)
	default:
		a.lines = append(a.lines, t.line)
		a.program = append(a.program, a.instruction(t))
	}
}

// instruction reads what follows the word that begins it.
func (a *assembler) instruction(t token) (i Instruction) {
	o := named(t.text, formNone)
	if o == nil {
		o = named(t.text, formJump)
	}
	if o == nil {
		at := a.token
		var f form
		if f, i.K = a.form(t); a.err != nil {
			return i
		}
		if o = named(t.text, f); o == nil {
			a.fail(at, "%s takes %s, not %s", t.text, operands(t.text), forms[f])
			return i
		}
	}
	i.Code = o.code
	switch {
	case o.form == formJump:
		a.label(placeAlways)
	case i.Conditional():
		a.branches(o)
	}
	return i
}

// form reads an operand, and tells which form it has.
func (a *assembler) form(t token) (form, uint32) {
	first := a.token
	switch {
	case first.text == "[":
		return a.packet(t.text)
	case first.is("M") && a.ahead.text == "[":
		a.advance()
		return formMemory, a.bracket(t.text)
	case first.text == "#" && a.ahead.word() && !a.ahead.number(), first.text == "%":
		a.advance()
		return a.name(t, first.text)
	case first.text == "#":
		a.advance()
		return formHex, a.numeral(t.text)
	case first.number() && a.ahead.text == "*":
		return formShift, a.shift(t.text)
	case first.number() || first.text == "-" || first.text == "+":
		return formNumber, a.numeral(t.text)
	}
	return a.name(t, "")
}

// name reads a register or an extension; mark is what stood before it.
func (a *assembler) name(t token, mark string) (f form, k uint32) {
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
		a.fail(word, "%s takes %s, not %s%s", t.text, operands(t.text), mark, word)
	}
	a.advance()
	return f, k
}

// numeral reads a number with or without a sign.
func (a *assembler) numeral(what string) uint32 {
	t := a.token
	if t.text == "-" || t.text == "+" {
		a.advance()
		if !a.token.number() {
			a.fail(a.token, "%v in place of a number in %s", a.token, what)
		}
		t.text += a.token.text
	}
	if !t.number() {
		a.fail(t, "%v in place of a number in %s", t, what)
	}
	k, err := parseNumber(t.text)
	if err != nil {
		a.fail(t, "%s: %w", what, err)
	}
	a.advance()
	return k
}

// bracket reads "[k]".
func (a *assembler) bracket(what string) uint32 {
	a.expect("[", what)
	k := a.numeral(what)
	a.expect("]", what)
	return k
}

// packet reads "[k]" or "[x + k]".
func (a *assembler) packet(what string) (form, uint32) {
	if !a.ahead.is("x") && a.ahead.text != "%" {
		return formAbsolute, a.bracket(what)
	}
	a.advance()
	a.skip("%")
	a.expect("x", what)
	if a.token.text != "-" {
		a.expect("+", what)
	}
	k := a.numeral(what)
	a.expect("]", what)
	return formIndirect, k
}

// shift reads "4*([k]&0xf)".
func (a *assembler) shift(what string) uint32 {
	at := a.token
	four := a.numeral(what)
	a.expect("*", what)
	a.expect("(", what)
	k := a.bracket(what)
	a.expect("&", what)
	if mask := a.numeral(what); four != 4 || mask != 0xf {
		a.fail(at, "%s takes 4*([k]&0xf), not %d*([k]&%#x)", what, four, mask)
	}
	a.expect(")", what)
	return k
}

// branches reads ", label", and another for what is not an inverse.
func (a *assembler) branches(o *op) {
	a.expect(",", o.name)
	if o.inverse {
		a.label(placeFalse)
		return
	}
	a.label(placeTrue)
	if a.skip(",") {
		a.label(placeFalse)
	}
}

func (a *assembler) label(p place) {
	if !a.token.word() || a.token.number() {
		a.fail(a.token, "%v in place of a label", a.token)
	}
	a.jumps = append(a.jumps, jump{len(a.program), a.token, p})
	a.advance()
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

package insn

import (
	"strconv"
	"strings"
)

// Text returns the instruction on one line. An operand that is not "" stands
// in the place of a jump's target, of a called function, or of a number that is loaded.
func (i Instruction) Text(operand string) string {
	if text, _ := i.Named(operand); text != "" {
		return text
	}
	room := [64]byte{}
	for n := range forms {
		if b, shown, ok := forms[n].append(room[:0], i, ""); ok && shown == i {
			return string(b)
		}
	}
	return i.raw()
}

// Named returns the text of an instruction with a name as its operand, "" if it has
// none. Whole reports whether the text shows all else that is set in it.
func (i Instruction) Named(operand string) (text string, whole bool) {
	if operand == "" {
		return "", false
	}
	for n := range forms {
		f := &forms[n]
		if !f.named() {
			continue
		}
		if b, shown, ok := f.append(nil, i, operand); ok && shown.Op == i.Op && shown.Wide == i.Wide {
			return string(b), shown == i
		}
	}
	return "", false
}

// named reports whether an operand can be a name.
func (f *form) named() bool {
	verb := f.text[len(f.text)-1]
	return strings.HasSuffix(f.text[:len(f.text)-1], "$") && (verb == 'j' || verb == 'J' || verb == 'n')
}

// cut takes what is up to the next verb off the text of a form.
func cut(text string) (literal string, verb byte, rest string) {
	literal, rest, found := strings.Cut(text, "$")
	if !found {
		return literal, 0, ""
	}
	return literal, rest[0], rest[1:]
}

// append writes an instruction in a form, unless it cannot be one of that, and returns
// what the text shows.
func (f *form) append(b []byte, i Instruction, operand string) (_ []byte, shown Instruction, ok bool) {
	shown = f.Instruction
	if (i.Op^f.Op)&7 == otherHalf && strings.Contains(f.text, "$d") {
		shown.Op ^= otherHalf
	}
	if i.Class() != shown.Class() {
		return b, shown, false
	}
	for text := f.text; text != ""; {
		var literal string
		var verb byte
		literal, verb, text = cut(text)
		b = append(b, literal...)
		if verb == 0 {
			break
		}
		shown.put(verb, i.get(verb))
		if b, ok = i.appendVerb(b, verb, operand); !ok {
			return b, shown, false
		}
	}
	return b, shown, true
}

func (i *Instruction) appendVerb(b []byte, verb byte, operand string) ([]byte, bool) {
	n := i.get(verb)
	if list := words(verb); list != nil {
		if n >= int64(len(list)) || list[n] == "" {
			return b, false
		}
		return append(b, list[n]...), true
	}
	switch verb {
	case 'd', 's', 'D', 'S':
		letter := byte('r')
		if verb >= 'a' && i.half() {
			letter = 'w'
		}
		return strconv.AppendInt(append(b, letter), n, 10), true
	case 'b':
		name := HelperName(i.Imm)
		return append(b, name...), name != ""
	case 'n':
		return append(b, operand...), operand != ""
	case 'j', 'J':
		if operand != "" {
			return append(b, operand...), true
		}
		b = append(b, "pc"...)
	case 'h':
		return strconv.AppendUint(append(b, "0x"...), uint64(uint32(n)), 16), true
	case 'l':
		return strconv.AppendUint(append(b, "0x"...), uint64(n), 16), true
	case 'i', 'u', 'v':
		return strconv.AppendInt(b, n, 10), true
	}
	if n >= 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, n, 10), true
}

package insn

import (
	"errors"
	"fmt"
	"strings"
)

// Parse reads what [Instruction.Text] writes. The operand is the name in the
// place of a jump's target, of a called function, or of a number that is loaded; the
// instruction is complete when it is "".
func Parse(line string) (i Instruction, operand string, err error) {
	p := parser{rest: strings.TrimSpace(line)}
	if i, operand, err = p.instruction(); err != nil {
		return Instruction{}, "", fmt.Errorf("%q: %w", line, err)
	}
	return i, operand, nil
}

var errUnknown = errors.New("no instruction")

func (p *parser) instruction() (Instruction, string, error) {
	switch {
	case p.keyword(".insn"):
		i, err := p.numbers()
		return i, "", err
	case p.keyword("exit"):
		return Instruction{Op: Exit}, "", p.done()
	case p.keyword("nospec"):
		return Instruction{Op: NoSpec}, "", p.done()
	case p.keyword("goto"):
		return p.branch(Instruction{Op: Jump})
	case p.keyword("gotol"):
		return p.branch(Instruction{Op: LongJump})
	case p.keyword("may_goto"):
		return p.branch(Instruction{Op: MayGoto})
	case p.keyword("gotox"):
		return p.indirect(JumpReg)
	case p.keyword("callx"):
		return p.indirect(CallReg)
	case p.keyword("call"):
		return p.call()
	case p.keyword("if"):
		return p.conditional()
	}
	if i, ok, err := p.memory(); ok {
		return i, "", err
	}
	dst, half, ok := p.reg()
	if !ok {
		return Instruction{}, "", errUnknown
	}
	return p.assignment(dst, half)
}

func (p *parser) numbers() (i Instruction, err error) {
	var v [6]int64
	n := 0
	for ; n < len(v) && strings.TrimSpace(p.rest) != ""; n++ {
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

package insn

import (
	"errors"
	"strings"
)

// branch reads a target: "pc+3" is complete, all else the name of a place.
func (p *parser) branch(i Instruction) (Instruction, string, error) {
	target := strings.TrimSpace(p.rest)
	if target == "" {
		return i, "", errors.New("no target")
	}
	if !isPC(target) {
		return i, target, nil
	}
	p.rest = target[len("pc"):]
	bits := 16
	if i.Op == LongJump || i.Op == Call {
		bits = 32
	}
	n, err := p.number(bits)
	if bits == 16 {
		i.Off = int16(n)
	} else {
		i.Imm = int32(n)
	}
	return i, "", errors.Join(err, p.done())
}

func isPC(target string) bool {
	return len(target) > 2 && target[:2] == "pc" && (target[2] == '+' || target[2] == '-')
}

func (p *parser) indirect(op byte) (Instruction, string, error) {
	n, half, ok := p.reg()
	if !ok || half {
		return Instruction{}, "", errors.New("needs a register")
	}
	return Instruction{Op: op, Dst: n}, "", p.done()
}

func (p *parser) call() (Instruction, string, error) {
	i := Instruction{Op: Call}
	switch {
	case isPC(p.rest):
		i.Src = CallLocal
		return p.branch(i)
	case p.take("helper#"):
		n, err := p.number(32)
		i.Imm = int32(n)
		return i, "", errors.Join(err, p.done())
	case p.take("kfunc#"):
		n, err := p.number(32)
		off, err2 := p.number(16)
		i.Src, i.Imm, i.Off = CallKernel, int32(n), int16(off)
		return i, "", errors.Join(err, err2, p.done())
	}
	name := strings.TrimSpace(p.rest)
	if n, ok := HelperNumber(name); ok {
		i.Imm = n
		return i, "", nil
	}
	if name == "" {
		return i, "", errors.New("no function")
	}
	i.Src, i.Imm = CallLocal, -1
	return i, name, nil
}

func (p *parser) conditional() (Instruction, string, error) {
	dst, half, ok := p.reg()
	op, known := p.operator(jumpOps[:])
	if !ok || !known {
		return Instruction{}, "", errors.New("needs a register and a comparison")
	}
	i := Instruction{Op: byte(op<<4) | ClassJMP, Dst: dst}
	if half {
		i.Op = byte(op<<4) | ClassJMP32
	}
	src, srcHalf, isReg := p.reg()
	if isReg {
		if srcHalf != half {
			return i, "", errors.New("a register and the lower half of one")
		}
		i.Op, i.Src = i.Op|useReg, src
	} else {
		n, err := p.number(32)
		if err != nil {
			return i, "", err
		}
		i.Imm = int32(n)
	}
	if !p.take("goto ") {
		return i, "", errors.New("no goto")
	}
	return p.branch(i)
}

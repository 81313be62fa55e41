package insn

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// assignment reads what follows a register.
func (p *parser) assignment(dst byte, half bool) (Instruction, string, error) {
	i := Instruction{Op: ClassALU64, Dst: dst}
	if half {
		i.Op = ClassALU
	}
	for n, op := range [...]byte{opDiv, opMod} {
		if p.take([...]string{"s/=", "s%="}[n]) {
			i.Off = 1
			return p.operand(i, op)
		}
	}
	op, ok := p.operator(aluOps[:])
	if !ok {
		return i, "", errUnknown
	}
	if op == opMov {
		return p.value(i, half)
	}
	return p.operand(i, byte(op))
}

// operand reads the register or number of an operation.
func (p *parser) operand(i Instruction, op byte) (Instruction, string, error) {
	half := i.Op == ClassALU
	i.Op |= op << 4
	if src, srcHalf, ok := p.reg(); ok {
		if srcHalf != half {
			return i, "", errors.New("a register and the lower half of one")
		}
		i.Op, i.Src = i.Op|useReg, src
		return i, "", p.done()
	}
	n, err := p.number(32)
	i.Imm = int32(n)
	return i, "", errors.Join(err, p.done())
}

// value reads what follows "r1 =".
func (p *parser) value(i Instruction, half bool) (Instruction, string, error) {
	p.rest = strings.TrimLeft(p.rest, " \t")
	if strings.HasPrefix(p.rest, "-r") || strings.HasPrefix(p.rest, "-w") {
		p.take("-")
		if src, srcHalf, ok := p.reg(); !ok || src != i.Dst || srcHalf != half {
			return i, "", errors.New("only a register itself can be negated")
		}
		i.Op |= opNeg << 4
		return i, "", p.done()
	}
	if !half {
		for _, read := range [...]func(Instruction) (Instruction, bool, error){p.swapped, p.loaded, p.fetched, p.cast, p.perCPU} {
			if j, ok, err := read(i); ok {
				return j, "", err
			}
		}
		if j, name, ok, err := p.wide(i); ok {
			return j, name, err
		}
	}
	if n, ok := p.extension(); ok {
		i.Off = n
		return p.operand(i, opMov)
	}
	return p.operand(i, opMov)
}

// extension reads "(s8)".
func (p *parser) extension() (int16, bool) {
	for _, n := range [...]int16{8, 16, 32} {
		if p.take("(s" + strconv.Itoa(int(n)) + ")") {
			return n, true
		}
	}
	return 0, false
}

func (p *parser) swapped(i Instruction) (Instruction, bool, error) {
	op := slices.IndexFunc([]string{"be", "le", "bswap"}, p.take)
	if op < 0 {
		return i, false, nil
	}
	n, err := p.number(32)
	src, half, ok := p.reg()
	if err == nil && (!ok || half || src != i.Dst) {
		err = errors.New("only a register itself can be swapped")
	}
	i.Op, i.Imm = [...]byte{ClassALU | useReg, ClassALU, ClassALU64}[op]|opEnd<<4, int32(n)
	return i, true, errors.Join(err, p.done())
}

// perCPU reads "&(void __percpu *)(r1)".
func (p *parser) perCPU(i Instruction) (Instruction, bool, error) {
	if !p.take("&(void __percpu *)(") {
		return i, false, nil
	}
	src, half, ok := p.reg()
	if !ok || half || !p.take(")") {
		return i, true, errors.New("no register with the address")
	}
	i.Op, i.Src, i.Off = ClassALU64|opMov<<4|useReg, src, addrPerCPU
	return i, true, p.done()
}

func (p *parser) cast(i Instruction) (Instruction, bool, error) {
	if !p.take("addr_space_cast(") {
		return i, false, nil
	}
	src, half, ok := p.reg()
	if !ok || half || !p.take(",") {
		return i, true, errors.New("no register to cast")
	}
	from, err := p.number(16)
	if err != nil || !p.take(",") {
		return i, true, errors.New("no address space")
	}
	to, err := p.number(16)
	if err == nil && !p.take(")") {
		err = errors.New("no ) after the cast")
	}
	i.Op, i.Src, i.Off = ClassALU64|opMov<<4|useReg, src, 1
	i.Imm = int32(uint32(uint16(from))<<16 | uint32(uint16(to)))
	return i, true, errors.Join(err, p.done())
}

// wide reads 64-bit loads: numbers with "ll" after them, maps, and names.
func (p *parser) wide(i Instruction) (_ Instruction, name string, ok bool, err error) {
	i.Op, i.Wide = LoadImm64, true
	text := strings.TrimSpace(p.rest)
	switch {
	case strings.HasSuffix(text, " ll"):
		n, err := p.number(64)
		i.Imm, i.High = int32(n), int32(n>>32)
		if err == nil && !p.take("ll") {
			err = errUnknown
		}
		return i, "", true, errors.Join(err, p.done())
	case p.pseudoSource(&i):
		err := p.pseudoNumbers(&i)
		return i, "", true, errors.Join(err, p.done())
	case strings.HasPrefix(text, "&"), strings.HasPrefix(text, "map["):
		return i, text, true, nil
	}
	return i, "", false, nil
}

func (p *parser) pseudoSource(i *Instruction) bool {
	switch {
	case p.take("map[fd:"):
		i.Src = LoadMap
	case p.take("map[idx:"):
		i.Src = LoadIdx
	case p.take("btf_id["):
		i.Src = LoadBTF
	case p.take("subprog["):
		i.Src = LoadFunction
	default:
		return false
	}
	return true
}

func (p *parser) pseudoNumbers(i *Instruction) error {
	n, err := p.number(32)
	i.Imm = int32(n)
	if err != nil || !p.take("]") {
		return errors.Join(err, errors.New("no ] after the number"))
	}
	switch {
	case i.Src == LoadFunction:
		return nil
	case (i.Src == LoadMap || i.Src == LoadIdx) && !p.take("[0]"):
		return nil
	case i.Src == LoadMap || i.Src == LoadIdx:
		i.Src++ // BPF_PSEUDO_MAP_VALUE and BPF_PSEUDO_MAP_IDX_VALUE
	}
	high, err := p.number(32)
	i.High = int32(high)
	return err
}

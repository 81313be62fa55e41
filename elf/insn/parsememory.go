package insn

import (
	"errors"
	"slices"
	"strings"
)

// sized reads "(u32 *)" and returns the bits of its size in an opcode.
func (p *parser) sized(names []string) (byte, bool) {
	save := p.rest
	if p.take("(") {
		if n, ok := p.operator(names); ok && p.take("*") && p.take(")") {
			return byte(n) << 3, true
		}
	}
	p.rest = save
	return 0, false
}

// place reads "(r1 +4)".
func (p *parser) place() (base byte, off int16, err error) {
	if !p.take("(") {
		return 0, 0, errors.New("no place in memory")
	}
	base, half, ok := p.reg()
	if !ok || half {
		return 0, 0, errors.New("no base register")
	}
	n, err := p.number(16)
	if err != nil {
		return 0, 0, err
	}
	if !p.take(")") {
		return 0, 0, errors.New("no ) after the place")
	}
	return base, int16(n), nil
}

// target reads "(u32 *)(r1 +4)", to which an instruction writes, and returns its size.
func (p *parser) target(i *Instruction) (size byte, err error) {
	size, ok := p.sized(sizes[:])
	if !ok {
		return 0, errors.New("no size")
	}
	i.Dst, i.Off, err = p.place()
	return size, err
}

// memory reads what starts with a place in memory: stores, and atomic
// operations that return nothing.
func (p *parser) memory() (i Instruction, ok bool, err error) {
	switch {
	case p.keyword("lock"):
		if !p.take("*") {
			return i, true, errors.New("no place in memory")
		}
		i, err = p.locked()
		return i, true, err
	case p.take("store_release("):
		i, err = p.atomicArgs(release)
		return i, true, err
	case p.take("*"):
		i, err = p.storeTo()
		return i, true, err
	}
	return i, false, nil
}

func (p *parser) storeTo() (i Instruction, err error) {
	size, err := p.target(&i)
	if err != nil {
		return i, err
	}
	if !p.take("=") {
		return i, errors.New("no = after the place")
	}
	if src, half, ok := p.reg(); ok && !half {
		i.Op, i.Src = ClassSTX|modeMem|size, src
		return i, p.done()
	}
	n, err := p.number(32)
	i.Op, i.Imm = ClassST|modeMem|size, int32(n)
	return i, errors.Join(err, p.done())
}

func (p *parser) locked() (i Instruction, err error) {
	size, err := p.target(&i)
	if err != nil {
		return i, err
	}
	op, ok := p.operator(aluOps[:])
	src, half, isReg := p.reg()
	if !ok || !isReg || half || atomicOp[op] == "" {
		return i, errors.New("no atomic operation")
	}
	i.Op, i.Src, i.Imm = ClassSTX|modeAtomic|size, src, int32(op)<<4
	return i, p.done()
}

// atomicArgs reads "(u64 *)(r1 +0), r2)".
func (p *parser) atomicArgs(op int32) (i Instruction, err error) {
	size, err := p.target(&i)
	if err != nil {
		return i, err
	}
	if op == cmpxchg && !p.take(", r0") {
		return i, errors.New("cmpxchg compares with r0")
	}
	ok := true
	if op == acquire {
		i.Src = i.Dst
	} else if ok = p.take(","); ok {
		i.Src, _, ok = p.reg()
	}
	if !ok || !p.take(")") {
		return i, errors.New("no register to store")
	}
	i.Op, i.Imm = ClassSTX|modeAtomic|size, op
	return i, p.done()
}

// loaded reads loads from memory and from packets.
func (p *parser) loaded(i Instruction) (_ Instruction, ok bool, err error) {
	if !p.take("*") {
		return i, false, nil
	}
	class := byte(ClassLDX | modeMem)
	size, ok := p.sized(sizes[:])
	if !ok {
		class = ClassLDX | modeMemSX
		if size, ok = p.sized(sxSizes[:]); !ok {
			return i, true, errors.New("no size")
		}
	}
	if p.take("skb[") {
		return p.packet(i, size)
	}
	i.Op = class | size
	i.Src, i.Off, err = p.place()
	return i, true, errors.Join(err, p.done())
}

func (p *parser) packet(i Instruction, size byte) (Instruction, bool, error) {
	if i.Dst != 0 {
		return i, true, errors.New("packets are loaded into r0")
	}
	i.Op = ClassLD | modeAbs | size
	if src, half, ok := p.reg(); ok && !half {
		i.Op, i.Src = ClassLD|modeInd|size, src
	}
	n, err := p.number(32)
	i.Imm = int32(n)
	if err == nil && !p.take("]") {
		err = errors.New("no ] after the offset")
	}
	return i, true, errors.Join(err, p.done())
}

// fetched reads atomic operations that return a value.
func (p *parser) fetched(i Instruction) (_ Instruction, ok bool, err error) {
	if p.take("load_acquire(") {
		j, err := p.atomicArgs(acquire)
		j.Dst = i.Dst
		return j, true, err
	}
	if !strings.HasPrefix(p.rest, "atomic") {
		return i, false, nil
	}
	is64 := p.take("atomic64_")
	if !is64 && !p.take("atomic_") {
		return i, true, errUnknown
	}
	name, rest, _ := strings.Cut(p.rest, "(")
	p.rest = rest
	code, known := atomicCode(name)
	if !known {
		return i, true, errUnknown
	}
	j, err := p.atomicArgs(code)
	result := j.Src
	if code == cmpxchg {
		result = 0
	}
	if err == nil && (result != i.Dst || is64 != (j.Op>>3&3 == 3)) {
		err = errors.New("an atomic operation of another register or size")
	}
	return j, true, err
}

func atomicCode(name string) (int32, bool) {
	switch name {
	case "xchg":
		return xchg, true
	case "cmpxchg":
		return cmpxchg, true
	}
	name, ok := strings.CutPrefix(name, "fetch_")
	n := slices.Index(atomicOp[:], name)
	if !ok || name == "" || n < 0 {
		return 0, false
	}
	return int32(n)<<4 | fetch, true
}

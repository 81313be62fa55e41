package insn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// keyword removes a word with a blank or nothing behind it.
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
		return fmt.Errorf("%q behind its end", strings.TrimSpace(p.rest))
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
			return 0, fmt.Errorf("%q is no number", s[:n])
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
		return i, errors.New(".insn wants the opcode, two registers, the offset and the number")
	}
	i = Instruction{Op: byte(v[0]), Dst: byte(v[1]), Src: byte(v[2]), Off: int16(v[3]), Imm: int32(v[4]), High: int32(v[5]), Wide: n == 6}
	if i.Wide && i.Op != LoadImm64 {
		return i, errors.New("only a 64-bit load has two slots")
	}
	return i, p.done()
}

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
		return Instruction{}, "", errors.New("wants a register")
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
		return Instruction{}, "", errors.New("wants a register and a comparison")
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
		return 0, 0, errors.New("no ) behind the place")
	}
	return base, int16(n), nil
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
	size, ok := p.sized(sizes[:])
	if !ok {
		return i, errors.New("no size")
	}
	if i.Dst, i.Off, err = p.place(); err != nil {
		return i, err
	}
	if !p.take("=") {
		return i, errors.New("no = behind the place")
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
	size, ok := p.sized(sizes[:])
	if !ok {
		return i, errors.New("no size")
	}
	if i.Dst, i.Off, err = p.place(); err != nil {
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
	size, ok := p.sized(sizes[:])
	if !ok {
		return i, errors.New("no size")
	}
	if i.Dst, i.Off, err = p.place(); err != nil {
		return i, err
	}
	if op == cmpxchg && !p.take(", r0") {
		return i, errors.New("cmpxchg compares with r0")
	}
	if op == acquire {
		i.Src = i.Dst
	} else if p.take(",") {
		i.Src, _, ok = p.reg()
	} else {
		ok = false
	}
	if !ok || !p.take(")") {
		return i, errors.New("no register to store")
	}
	i.Op, i.Imm = ClassSTX|modeAtomic|size, op
	return i, p.done()
}

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
		err = errors.New("no ) behind the cast")
	}
	i.Op, i.Src, i.Off = ClassALU64|opMov<<4|useReg, src, 1
	i.Imm = int32(uint32(uint16(from))<<16 | uint32(uint16(to)))
	return i, true, errors.Join(err, p.done())
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
		err = errors.New("no ] behind the offset")
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

// wide reads 64-bit loads: numbers with "ll" behind them, maps, and names.
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
		return errors.Join(err, errors.New("no ] behind the number"))
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

package insn

import (
	"fmt"
	"strconv"
)

// The operators by the upper four bits of an opcode, kernel/bpf/disasm.c; "" is none.
var (
	aluOps   = [16]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^=", "=", "s>>="}
	jumpOps  = [16]string{"", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<="}
	sizes    = [4]string{"u32", "u16", "u8", "u64"}
	sxSizes  = [4]string{"s32", "s16", "s8", ""}
	atomicOp = [16]string{0: "add", 4: "or", 5: "and", 10: "xor"}
)

// Bits of an opcode, include/uapi/linux/bpf.h.
const (
	useReg = 0x08 // BPF_X

	opNeg = 0x8
	opMod = 0x9
	opDiv = 0x3
	opMov = 0xb
	opEnd = 0xd

	addrPerCPU = -1 // BPF_ADDR_PERCPU of a move, include/linux/filter.h

	modeImm    = 0x00
	modeAbs    = 0x20
	modeInd    = 0x40
	modeMem    = 0x60
	modeMemSX  = 0x80
	modeAtomic = 0xc0

	fetch   = 0x01
	xchg    = 0xe1
	cmpxchg = 0xf1
	acquire = 0x100
	release = 0x110
)

// Text returns the instruction on one line. An operand that is not "" stands
// in the place of a jump's target, of a called function, or of a number that is loaded.
func (i Instruction) Text(operand string) string {
	s := i.text(operand)
	if s == "" {
		return i.raw()
	}
	if operand == "" {
		if back, name, err := Parse(s); err != nil || name != "" || back != i {
			return i.raw()
		}
	}
	return s
}

func (i Instruction) text(operand string) string {
	switch i.Class() {
	case ClassALU, ClassALU64:
		return i.alu()
	case ClassJMP, ClassJMP32:
		return i.jump(operand)
	case ClassLD:
		return i.load(operand)
	case ClassLDX:
		return i.loadMem()
	default:
		return i.store()
	}
}

// reg writes a register, by the name of its lower half in 32-bit arithmetic.
func reg(n byte, half bool) string {
	if half {
		return "w" + strconv.Itoa(int(n))
	}
	return "r" + strconv.Itoa(int(n))
}

func (i Instruction) alu() string {
	half := i.Class() == ClassALU
	dst, src, op := reg(i.Dst, half), reg(i.Src, half), i.Op>>4
	switch {
	case op == opNeg:
		return fmt.Sprintf("%s = -%s", dst, dst)
	case op == opEnd:
		return i.swap()
	case i.Op == ClassALU64|opMov<<4|useReg && i.Off == 1:
		return fmt.Sprintf("%s = addr_space_cast(%s, %d, %d)", dst, src, uint16(uint32(i.Imm)>>16), uint16(i.Imm))
	case i.Op == ClassALU64|opMov<<4|useReg && i.Off == addrPerCPU:
		return fmt.Sprintf("%s = &(void __percpu *)(%s)", dst, src)
	case op == opMov && i.Op&useReg != 0 && i.Off != 0:
		return fmt.Sprintf("%s = (s%d)%s", dst, i.Off, src)
	case aluOps[op] == "":
		return ""
	}
	sign := ""
	if (op == opDiv || op == opMod) && i.Off == 1 {
		sign = "s"
	}
	if i.Op&useReg != 0 {
		return fmt.Sprintf("%s %s%s %s", dst, sign, aluOps[op], src)
	}
	return fmt.Sprintf("%s %s%s %d", dst, sign, aluOps[op], i.Imm)
}

func (i Instruction) swap() string {
	name := "le"
	switch {
	case i.Class() == ClassALU64:
		name = "bswap"
	case i.Op&useReg != 0:
		name = "be"
	}
	return fmt.Sprintf("%s = %s%d %[1]s", reg(i.Dst, false), name, i.Imm)
}

func (i Instruction) jump(operand string) string {
	if operand == "" {
		if n, ok := i.Target(); ok {
			operand = fmt.Sprintf("pc%+d", n-1)
		}
	}
	switch i.Op {
	case Call:
		return i.call(operand)
	case CallReg:
		return "callx " + reg(i.Dst, false)
	case Exit:
		return "exit"
	case Jump:
		return "goto " + operand
	case LongJump:
		return "gotol " + operand
	case MayGoto:
		return "may_goto " + operand
	case JumpReg:
		return "gotox " + reg(i.Dst, false)
	}
	op, half := jumpOps[i.Op>>4], i.Class() == ClassJMP32
	switch {
	case op == "":
		return ""
	case i.Op&useReg != 0:
		return fmt.Sprintf("if %s %s %s goto %s", reg(i.Dst, half), op, reg(i.Src, half), operand)
	}
	return fmt.Sprintf("if %s %s %#x goto %s", reg(i.Dst, half), op, uint32(i.Imm), operand)
}

func (i Instruction) call(operand string) string {
	switch {
	case operand != "":
		return "call " + operand
	case i.Src == CallKernel:
		return fmt.Sprintf("call kfunc#%d+%d", i.Imm, i.Off)
	}
	if name := HelperName(i.Imm); name != "" {
		return "call " + name
	}
	return fmt.Sprintf("call helper#%d", i.Imm)
}

func (i Instruction) load(operand string) string {
	size := sizes[i.Op>>3&3]
	switch {
	case i.Op == LoadImm64 && operand != "":
		return fmt.Sprintf("%s = %s", reg(i.Dst, false), operand)
	case i.Op == LoadImm64:
		return fmt.Sprintf("%s = %s", reg(i.Dst, false), i.pseudo())
	case i.Op&0xe0 == modeAbs:
		return fmt.Sprintf("r0 = *(%s *)skb[%d]", size, i.Imm)
	case i.Op&0xe0 == modeInd:
		return fmt.Sprintf("r0 = *(%s *)skb[%s %+d]", size, reg(i.Src, false), i.Imm)
	}
	return ""
}

// pseudo writes what a 64-bit load takes its number from.
func (i Instruction) pseudo() string {
	switch i.Src {
	case LoadMap:
		return fmt.Sprintf("map[fd:%d]", i.Imm)
	case LoadMapValue:
		return fmt.Sprintf("map[fd:%d][0]%+d", i.Imm, i.High)
	case LoadBTF:
		return fmt.Sprintf("btf_id[%d]%+d", i.Imm, i.High)
	case LoadFunction:
		return fmt.Sprintf("subprog[%+d]", i.Imm)
	case LoadIdx:
		return fmt.Sprintf("map[idx:%d]", i.Imm)
	case LoadIdxValue:
		return fmt.Sprintf("map[idx:%d][0]%+d", i.Imm, i.High)
	}
	return fmt.Sprintf("%#x ll", uint64(uint32(i.High))<<32|uint64(uint32(i.Imm)))
}

func mem(size string, base byte, off int16) string {
	return fmt.Sprintf("(%s *)(%s %+d)", size, reg(base, false), off)
}

func (i Instruction) loadMem() string {
	size := sizes[i.Op>>3&3]
	switch i.Op & 0xe0 {
	case modeMem:
	case modeMemSX:
		size = sxSizes[i.Op>>3&3]
	default:
		return ""
	}
	return fmt.Sprintf("%s = *%s", reg(i.Dst, false), mem(size, i.Src, i.Off))
}

func (i Instruction) store() string {
	size := sizes[i.Op>>3&3]
	place := mem(size, i.Dst, i.Off)
	switch {
	case i.Op == NoSpec:
		return "nospec"
	case i.Op&0xe0 == modeMem && i.Class() == ClassST:
		return fmt.Sprintf("*%s = %d", place, i.Imm)
	case i.Op&0xe0 == modeMem:
		return fmt.Sprintf("*%s = %s", place, reg(i.Src, false))
	case i.Op&0xe0 == modeAtomic && i.Class() == ClassSTX:
		return i.atomic(size, place)
	}
	return ""
}

func (i Instruction) atomic(size, place string) string {
	name := "atomic"
	half := size != "u64"
	if !half {
		name = "atomic64"
	}
	src := reg(i.Src, false)
	switch {
	case i.Imm == xchg:
		return fmt.Sprintf("%s = %s_xchg(%s, %[1]s)", src, name, place)
	case i.Imm == cmpxchg:
		return fmt.Sprintf("r0 = %s_cmpxchg(%s, r0, %s)", name, place, src)
	case i.Imm == acquire:
		return fmt.Sprintf("%s = load_acquire(%s)", reg(i.Dst, false), mem(size, i.Src, i.Off))
	case i.Imm == release:
		return fmt.Sprintf("store_release(%s, %s)", place, src)
	case i.Imm&^0xf1 != 0 || i.Imm < 0 || atomicOp[i.Imm>>4] == "":
		return ""
	case i.Imm&fetch != 0:
		return fmt.Sprintf("%s = %s_fetch_%s(%s, %[1]s)", src, name, atomicOp[i.Imm>>4], place)
	}
	return fmt.Sprintf("lock *%s %s %s", place, aluOps[i.Imm>>4], src)
}

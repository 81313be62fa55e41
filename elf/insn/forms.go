package insn

// form is one way to write instructions. Its text has verbs for what differs
// between them; fields that no verb stands for are as they are here.
//
//	$d $s      a register, or the lower half of one: then the class is the 32-bit one
//	$D $S      a whole register
//	$i $p $h   imm: as a number, with its sign, in hexadecimal
//	$o $H      off, and the upper half of a 64-bit number, with their sign
//	$l         a 64-bit number in hexadecimal
//	$u $v      the upper and the lower half of imm
//	$a $c      an operation, a comparison: the upper four bits of the opcode
//	$z $x $y   a size, one with a sign, one of less than 64 bits
//	$k $f      an atomic operation in imm, as an operator and by name
//	$j $J      where a jump goes to, by off and by imm
//	$b         a helper by its name
//	$n         a name in place of a number
type form struct {
	text string
	Instruction
}

// forms are tried in this order.
var forms = [...]form{
	{"exit", Instruction{Op: Exit}},
	{"nospec", Instruction{Op: NoSpec}},
	{"goto $j", Instruction{Op: Jump}},
	{"gotol $J", Instruction{Op: LongJump}},
	{"may_goto $j", Instruction{Op: MayGoto}},
	{"gotox $D", Instruction{Op: JumpReg}},
	{"callx $D", Instruction{Op: CallReg}},
	{"call $b", Instruction{Op: Call}},
	{"call helper#$i", Instruction{Op: Call}},
	{"call kfunc#$i$o", Instruction{Op: Call, Src: CallKernel}},
	{"call $J", Instruction{Op: Call, Src: CallLocal}},
	{"if $d $c $s goto $j", Instruction{Op: ClassJMP | useReg}},
	{"if $d $c $h goto $j", Instruction{Op: ClassJMP}},

	{"lock *($z *)($D $o) $k $S", Instruction{Op: ClassSTX | modeAtomic}},
	{"store_release(($z *)($D $o), $S)", Instruction{Op: ClassSTX | modeAtomic, Imm: release}},
	{"*($z *)($D $o) = $S", Instruction{Op: ClassSTX | modeMem}},
	{"*($z *)($D $o) = $i", Instruction{Op: ClassST | modeMem}},
	{"r0 = *($z *)skb[$S $p]", Instruction{Op: ClassLD | modeInd}},
	{"r0 = *($z *)skb[$i]", Instruction{Op: ClassLD | modeAbs}},
	{"$D = *($z *)($S $o)", Instruction{Op: ClassLDX | modeMem}},
	{"$D = *($x *)($S $o)", Instruction{Op: ClassLDX | modeMemSX}},
	{"$D = load_acquire(($z *)($S $o))", Instruction{Op: ClassSTX | modeAtomic, Imm: acquire}},
	{"$S = atomic64_fetch_$f((u64 *)($D $o), $S)", Instruction{Op: ClassSTX | modeAtomic | size64, Imm: fetch}},
	{"$S = atomic_fetch_$f(($y *)($D $o), $S)", Instruction{Op: ClassSTX | modeAtomic, Imm: fetch}},
	{"$S = atomic64_xchg((u64 *)($D $o), $S)", Instruction{Op: ClassSTX | modeAtomic | size64, Imm: xchg}},
	{"$S = atomic_xchg(($y *)($D $o), $S)", Instruction{Op: ClassSTX | modeAtomic, Imm: xchg}},
	{"r0 = atomic64_cmpxchg((u64 *)($D $o), r0, $S)", Instruction{Op: ClassSTX | modeAtomic | size64, Imm: cmpxchg}},
	{"r0 = atomic_cmpxchg(($y *)($D $o), r0, $S)", Instruction{Op: ClassSTX | modeAtomic, Imm: cmpxchg}},

	{"$D = $l ll", Instruction{Op: LoadImm64, Wide: true}},
	{"$D = map[fd:$i][0]$H", Instruction{Op: LoadImm64, Src: LoadMapValue, Wide: true}},
	{"$D = map[fd:$i]", Instruction{Op: LoadImm64, Src: LoadMap, Wide: true}},
	{"$D = map[idx:$i][0]$H", Instruction{Op: LoadImm64, Src: LoadIdxValue, Wide: true}},
	{"$D = map[idx:$i]", Instruction{Op: LoadImm64, Src: LoadIdx, Wide: true}},
	{"$D = btf_id[$i]$H", Instruction{Op: LoadImm64, Src: LoadBTF, Wide: true}},
	{"$D = subprog[$p]", Instruction{Op: LoadImm64, Src: LoadFunction, Wide: true}},
	{"$D = &(void __percpu *)($S)", Instruction{Op: ClassALU64 | opMov | useReg, Off: addrPerCPU}},
	{"$D = addr_space_cast($S, $u, $v)", Instruction{Op: ClassALU64 | opMov | useReg, Off: 1}},
	{"$D = $n", Instruction{Op: LoadImm64, Wide: true}},

	{"$D = be$i $D", Instruction{Op: ClassALU | opEnd | useReg}},
	{"$D = le$i $D", Instruction{Op: ClassALU | opEnd}},
	{"$D = bswap$i $D", Instruction{Op: ClassALU64 | opEnd}},
	{"$d = -$d", Instruction{Op: ClassALU64 | opNeg}},
	{"$d = (s8)$s", Instruction{Op: ClassALU64 | opMov | useReg, Off: 8}},
	{"$d = (s16)$s", Instruction{Op: ClassALU64 | opMov | useReg, Off: 16}},
	{"$d = (s32)$s", Instruction{Op: ClassALU64 | opMov | useReg, Off: 32}},
	{"$d s/= $s", Instruction{Op: ClassALU64 | opDiv | useReg, Off: 1}},
	{"$d s/= $i", Instruction{Op: ClassALU64 | opDiv, Off: 1}},
	{"$d s%= $s", Instruction{Op: ClassALU64 | opMod | useReg, Off: 1}},
	{"$d s%= $i", Instruction{Op: ClassALU64 | opMod, Off: 1}},
	{"$d $a $s", Instruction{Op: ClassALU64 | useReg}},
	{"$d $a $i", Instruction{Op: ClassALU64}},
}

// Bits of an opcode, include/uapi/linux/bpf.h.
const (
	useReg = 0x08 // BPF_X
	size64 = 0x18 // BPF_DW

	opDiv = 0x30
	opNeg = 0x80
	opMod = 0x90
	opMov = 0xb0
	opEnd = 0xd0

	modeAbs    = 0x20
	modeInd    = 0x40
	modeMem    = 0x60
	modeMemSX  = 0x80
	modeAtomic = 0xc0
)

// Values of off and imm, include/linux/filter.h and include/uapi/linux/bpf.h.
const (
	addrPerCPU = -1 // BPF_ADDR_PERCPU

	fetch   = 0x01
	xchg    = 0xe1
	cmpxchg = 0xf1
	acquire = 0x100
	release = 0x110
)

// The words that some verbs have for numbers, kernel/bpf/disasm.c; "" is none.
var (
	aluOps    = [...]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^=", "=", "s>>="}
	jumpOps   = [...]string{"", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<="}
	sizes     = [...]string{"u32", "u16", "u8", "u64"}
	sxSizes   = [...]string{"s32", "s16", "s8"}
	atomicOps = [...]string{0: "+=", 4: "|=", 5: "&=", 10: "^="}
	fetchOps  = [...]string{0: "add", 4: "or", 5: "and", 10: "xor"}
)

// words returns those of a verb, by number; nil for a verb that has none.
func words(verb byte) []string {
	switch verb {
	case 'a':
		return aluOps[:]
	case 'c':
		return jumpOps[:]
	case 'z':
		return sizes[:]
	case 'x':
		return sxSizes[:]
	case 'y':
		return sizes[:3]
	case 'k':
		return atomicOps[:]
	case 'f':
		return fetchOps[:]
	}
	return nil
}

// get returns the number that a verb stands for.
func (i *Instruction) get(verb byte) int64 {
	switch verb {
	case 'd', 'D':
		return int64(i.Dst)
	case 's', 'S':
		return int64(i.Src)
	case 'o', 'j':
		return int64(i.Off)
	case 'H':
		return int64(i.High)
	case 'l':
		return int64(i.High)<<32 | int64(uint32(i.Imm))
	case 'u':
		return int64(uint32(i.Imm) >> 16)
	case 'v':
		return int64(uint16(i.Imm))
	case 'a', 'c':
		return int64(i.Op >> 4)
	case 'z', 'x', 'y':
		return int64(i.Op >> 3 & 3)
	case 'k', 'f':
		return int64(i.Imm >> 4 & 15)
	}
	return int64(i.Imm)
}

// put sets what get returns.
func (i *Instruction) put(verb byte, n int64) {
	switch verb {
	case 'd', 'D':
		i.Dst = byte(n)
	case 's', 'S':
		i.Src = byte(n)
	case 'o', 'j':
		i.Off = int16(n)
	case 'H':
		i.High = int32(n)
	case 'l':
		i.Imm, i.High = int32(n), int32(n>>32)
	case 'u':
		i.Imm = int32(uint32(uint16(i.Imm)) | uint32(n)<<16)
	case 'v':
		i.Imm = int32(uint32(i.Imm)&^0xffff | uint32(uint16(n)))
	case 'a', 'c':
		i.Op = i.Op&15 | byte(n)<<4
	case 'z', 'x', 'y':
		i.Op = i.Op&^size64 | byte(n)<<3
	case 'k', 'f':
		i.Imm = i.Imm&^0xf0 | int32(n)<<4
	default:
		i.Imm = int32(n)
	}
}

// half reports whether registers $d and $s are lower halves: 32-bit arithmetic and
// 32-bit jumps have the class of 64-bit ones with two bits turned over.
func (i *Instruction) half() bool { return i.Class() == ClassALU || i.Class() == ClassJMP32 }

// otherHalf are the two bits.
const otherHalf = ClassALU ^ ClassALU64

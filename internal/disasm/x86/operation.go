package x86

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// operation writes the name of an instruction, with its prefixes, and with the
// suffix of its size where no register tells it.
func operation(x *x86asm.Inst) string {
	name := strings.ToLower(x.Op.String())
	switch {
	case x.Op == x86asm.CWDE:
		name = "cwtl"
	case x.Op == x86asm.CDQE:
		name = "cltq"
	case x.Op == x86asm.CDQ:
		name = "cltd"
	case x.Op == x86asm.CQO:
		name = "cqto"
	case x.Op == x86asm.MOVSXD:
		name = "movslq"
	case x.Op == x86asm.MOVZX, x.Op == x86asm.MOVSX:
		name = name[:4] + suffix(sizeOf(x, 1)) + suffix(sizeOf(x, 0))
	case x.Op == x86asm.MOV && wide(x):
		name = "movabs"
	case sized(x):
		name += suffix(x.MemBytes)
	}
	return prefixes(x) + name
}

// wide reports whether a move has a number of 64 bits: opcode b8 and a register.
func wide(x *x86asm.Inst) bool {
	_, number := x.Args[1].(x86asm.Imm)
	return number && x.Opcode>>28 == 0xb && sizeOf(x, 0) == 8
}

// sized reports whether nothing but a suffix tells how much memory is meant.
func sized(x *x86asm.Inst) bool {
	switch x.Op {
	case x86asm.CALL, x86asm.JMP, x86asm.PUSH, x86asm.POP, x86asm.CMPXCHG8B, x86asm.CMPXCHG16B, x86asm.VERW:
		return false
	}
	if x.MemBytes == 0 || strings.HasPrefix(x.Op.String(), "SET") {
		return false
	}
	for n, arg := range x.Args {
		if _, ok := arg.(x86asm.Reg); ok && !(n == 1 && shifts(x.Op)) {
			return false
		}
	}
	return true
}

// shifts reports whether the second operand counts bits, in a register of its own size.
func shifts(op x86asm.Op) bool {
	switch op {
	case x86asm.SHL, x86asm.SHR, x86asm.SAR, x86asm.ROL, x86asm.ROR, x86asm.RCL, x86asm.RCR:
		return true
	}
	return false
}

// suffix is that of a size in bytes.
func suffix(bytes int) string {
	switch bytes {
	case 1:
		return "b"
	case 2:
		return "w"
	case 4:
		return "l"
	case 8:
		return "q"
	}
	return ""
}

// sizeOf returns the size of an operand in bytes.
func sizeOf(x *x86asm.Inst, n int) int {
	if r, ok := x.Args[n].(x86asm.Reg); ok {
		return registerBytes(r)
	}
	return x.MemBytes
}

// prefixes writes the prefixes that are not part of an operand or of the name.
func prefixes(x *x86asm.Inst) string {
	if vex(x) { // whose other bytes stand there too
		return ""
	}
	text := ""
	for _, p := range x.Prefix {
		if p&x86asm.PrefixImplicit != 0 {
			continue
		}
		switch p &^ x86asm.PrefixIgnored {
		case x86asm.PrefixLOCK:
			text += "lock "
		case x86asm.PrefixREP:
			text += "rep "
		case x86asm.PrefixREPN:
			text += "repnz "
		case x86asm.PrefixDataSize:
			text += "data16 "
		case x86asm.PrefixCS, x86asm.PrefixPN:
			text += "cs "
		case x86asm.PrefixDS, x86asm.PrefixPT:
			text += "ds "
		}
	}
	if text == "ds " && (x.Op == x86asm.JMP || x.Op == x86asm.CALL) { // of an indirect one
		text = "notrack "
	}
	return text
}

// Package x86 disassembles x86-64 machine code, in the AT&T syntax that objdump
// and the kernel's own tools write.
//
// The bytes are decoded by golang.org/x/arch. What it does not know and the
// kernel's JIT compiler emits (arch/x86/net/bpf_jit_comp.c) is in extra.go.
package x86

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/xdpload/xdpload/internal/disasm"
)

// bits is the mode of the processor.
const bits = 64

// Decode decodes the first instruction of code, which stands at the address pc.
// The error is [disasm.ErrUnknown].
func Decode(code []byte, pc uint64) (disasm.Instruction, error) {
	if i, ok := extra(code); ok {
		return i, nil
	}
	x, err := x86asm.Decode(code, bits)
	if err != nil || x.Op == 0 {
		return disasm.Instruction{}, fmt.Errorf("%w at %#x", disasm.ErrUnknown, pc)
	}
	i := disasm.Instruction{Len: x.Len, Operation: operation(&x)}
	for n := len(x.Args) - 1; n >= 0; n-- {
		switch arg := x.Args[n].(type) {
		case nil:
		case x86asm.Rel:
			i.Target = pc + uint64(x.Len) + uint64(int64(arg))
			i.Operands = append(i.Operands, fmt.Sprintf("%#x", i.Target))
			i.Transfer = disasm.Jump
			if x.Op == x86asm.CALL {
				i.Transfer = disasm.Call
			}
		default:
			i.Operands = append(i.Operands, operand(&x, n, displaced(&x, code)))
		}
	}
	return i, nil
}

// operand writes the n-th operand of an instruction.
func operand(x *x86asm.Inst, n int, displaced bool) string {
	star := ""
	if x.Op == x86asm.CALL || x.Op == x86asm.JMP {
		star = "*"
	}
	switch arg := x.Args[n].(type) {
	case x86asm.Reg:
		return star + register(arg)
	case x86asm.Mem:
		return star + memory(arg, displaced)
	case x86asm.Imm:
		return "$" + immediate(x, int64(arg))
	}
	return ""
}

// immediate writes a number as wide as the operation is.
func immediate(x *x86asm.Inst, n int64) string {
	width := x.DataSize
	if r, ok := x.Args[0].(x86asm.Reg); ok {
		width = 8 * registerBytes(r)
	} else if _, ok := x.Args[0].(x86asm.Mem); ok && x.MemBytes != 0 {
		width = 8 * x.MemBytes
	}
	switch width {
	case 8:
		return fmt.Sprintf("%#x", uint8(n))
	case 16:
		return fmt.Sprintf("%#x", uint16(n))
	case 32:
		return fmt.Sprintf("%#x", uint32(n))
	}
	return fmt.Sprintf("%#x", uint64(n))
}

func memory(m x86asm.Mem, displaced bool) string {
	var b strings.Builder
	if m.Disp>>32 == 0 { // of 32 bits, which the processor extends by their sign
		m.Disp = int64(int32(m.Disp))
	}
	if m.Segment != 0 {
		b.WriteString(register(m.Segment) + ":")
	}
	switch {
	case m.Base == 0 && m.Index == 0:
		fmt.Fprintf(&b, "%#x", uint64(m.Disp))
		return b.String()
	case m.Disp < 0:
		fmt.Fprintf(&b, "-%#x", -m.Disp)
	case displaced || m.Disp > 0 || m.Base == x86asm.RIP || m.Base == 0:
		fmt.Fprintf(&b, "%#x", m.Disp)
	}
	b.WriteByte('(')
	if m.Base != 0 {
		b.WriteString(register(m.Base))
	}
	if m.Index != 0 {
		fmt.Fprintf(&b, ",%s,%d", register(m.Index), m.Scale)
	}
	b.WriteByte(')')
	return b.String()
}

// displaced reports whether an instruction has a displacement, which may be zero,
// in the bytes after its ModRM byte.
func displaced(x *x86asm.Inst, code []byte) bool {
	at := 0
	for at < len(x.Prefix) && x.Prefix[at] != 0 {
		at++
	}
	switch {
	case at > 0 && vex(x):
	case code[at] == 0x0f && (code[at+1] == 0x38 || code[at+1] == 0x3a):
		at += 2
	case code[at] == 0x0f:
		at++
	}
	mod := code[min(at+1, x.Len-1)] >> 6
	return mod == 1 || mod == 2
}

func vex(x *x86asm.Inst) bool {
	for _, p := range x.Prefix {
		if p.IsVEX() {
			return true
		}
	}
	return false
}

// registerBytes returns the size of a general register.
func registerBytes(r x86asm.Reg) int {
	switch {
	case x86asm.AL <= r && r <= x86asm.R15B:
		return 1
	case x86asm.AX <= r && r <= x86asm.R15W:
		return 2
	case x86asm.EAX <= r && r <= x86asm.R15L:
		return 4
	}
	return 8
}

// register writes the name that the assembler has for a register.
func register(r x86asm.Reg) string {
	name := strings.ToLower(r.String())
	switch {
	case x86asm.SPB <= r && r <= x86asm.DIB: // "spb" is spl
		name = name[:2] + "l"
	case x86asm.R8L <= r && r <= x86asm.R15L:
		name = name[:len(name)-1] + "d"
	case x86asm.X0 <= r && r <= x86asm.X15:
		name = "xmm" + name[1:]
	}
	return "%" + name
}

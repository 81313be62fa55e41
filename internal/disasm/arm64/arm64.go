// Package arm64 disassembles 64-bit Arm machine code, in the syntax of the GNU
// assembler.
//
// The words are decoded by golang.org/x/arch. What it does not know and the
// kernel's JIT compiler emits (arch/arm64/net/bpf_jit.h) is in extra.go.
package arm64

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"

	"github.com/xdpload/xdpload/internal/disasm"
)

// size is that of every instruction in bytes.
const size = 4

// Decode decodes the first instruction of code, which stands at the address pc.
// The error is [disasm.ErrUnknown].
func Decode(code []byte, pc uint64) (disasm.Instruction, error) {
	if len(code) < size {
		return disasm.Instruction{}, fmt.Errorf("%w at %#x", disasm.ErrUnknown, pc)
	}
	if text := extra(binary.LittleEndian.Uint32(code)); text != "" {
		return split(text), nil
	}
	x, err := arm64asm.Decode(code)
	if err != nil || x.Op == 0 {
		return disasm.Instruction{}, fmt.Errorf("%w at %#x", disasm.ErrUnknown, pc)
	}
	i := split(arm64asm.GNUSyntax(x))
	for _, arg := range x.Args {
		if rel, ok := arg.(arm64asm.PCRel); ok && len(i.Operands) > 0 {
			i.Target = pc + uint64(int64(rel))
			i.Operands[len(i.Operands)-1] = fmt.Sprintf("%#x", i.Target)
			i.Transfer = transfer(x.Op)
		}
	}
	return i, nil
}

func transfer(op arm64asm.Op) disasm.Transfer {
	switch op {
	case arm64asm.BL:
		return disasm.Call
	case arm64asm.B, arm64asm.CBZ, arm64asm.CBNZ, arm64asm.TBZ, arm64asm.TBNZ:
		return disasm.Jump
	}
	return disasm.None // an address, and a load from there
}

// split takes a line apart. Commas within brackets do not part operands.
func split(text string) disasm.Instruction {
	operation, rest, _ := strings.Cut(text, " ")
	i := disasm.Instruction{Len: size, Operation: operation}
	depth, from := 0, 0
	for at, r := range rest {
		switch {
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == ',' && depth == 0:
			i.Operands = append(i.Operands, strings.TrimSpace(rest[from:at]))
			from = at + 1
		}
	}
	if rest != "" {
		i.Operands = append(i.Operands, strings.TrimSpace(rest[from:]))
	}
	return i
}

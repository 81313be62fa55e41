package netlink

import (
	"encoding/binary"
	"fmt"
)

// MaxInstructions is the length of the longest classic BPF program, BPF_MAXINSNS
// of linux/bpf_common.h.
const MaxInstructions = 4096

// An Instruction is one of classic BPF, struct sock_filter of linux/filter.h.
type Instruction struct {
	Code uint16 `json:"code"`
	JT   uint8  `json:"jt"` // instructions to skip if true
	JF   uint8  `json:"jf"` // and if false
	K    uint32 `json:"k"`
}

const sizeofInstruction = 8

// encodeBytecode appends a program as its length and its instructions.
func encodeBytecode(e *encoder, lengthAttr, opsAttr uint16, program []Instruction) {
	if len(program) > MaxInstructions && e.err == nil {
		e.err = fmt.Errorf("%d instructions of classic BPF, the kernel takes %d", len(program), MaxInstructions)
		return
	}
	e.u16(lengthAttr, uint16(len(program)))
	e.nest(opsAttr, func() {
		for _, i := range program {
			e.b = binary.NativeEndian.AppendUint16(e.b, i.Code)
			e.b = append(e.b, i.JT, i.JF)
			e.b = binary.NativeEndian.AppendUint32(e.b, i.K)
		}
	})
}

func decodeBytecode(b []byte) ([]Instruction, error) {
	if len(b)%sizeofInstruction != 0 {
		return nil, fmt.Errorf("%d bytes are not whole instructions", len(b))
	}
	program := make([]Instruction, 0, len(b)/sizeofInstruction)
	for ; len(b) > 0; b = b[sizeofInstruction:] {
		program = append(program, Instruction{
			Code: binary.NativeEndian.Uint16(b), JT: b[2], JF: b[3],
			K: binary.NativeEndian.Uint32(b[4:]),
		})
	}
	return program, nil
}

package netlink

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/classic"
)

// MaxInstructions is the length of the longest classic BPF program, BPF_MAXINSNS
// of linux/bpf_common.h.
const MaxInstructions = classic.MaxInstructions

// An Instruction is one of classic BPF, struct sock_filter of linux/filter.h:
// Code, what to skip if true (JT) and if false (JF), and the operand K.
type Instruction = classic.Instruction

const sizeofInstruction = 8

// ParseBytecode reads a classic program as tc(8) has it, "N,c t f k,c t f k,",
// or as `tcpdump -ddd` prints it, with lines in place of commas: the number of
// instructions, then Code, JT, JF and K of each, all in decimal. It does not
// check what the instructions do.
func ParseBytecode(text string) ([]Instruction, error) { return classic.ParseNumbers(text) }

// FormatBytecode is the inverse of ParseBytecode, in tc's form.
func FormatBytecode(program []Instruction) string { return classic.Format(program) }

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

// explainBytecode adds to a bare EINVAL what is wrong with the classic programs
// of the request. The kernel is the judge: without a refusal nothing is checked.
func explainBytecode(err error, programs ...[]Instruction) error {
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Errno() != unix.EINVAL || refused.Message != "" {
		return err
	}
	for _, program := range programs {
		if len(program) == 0 {
			continue
		}
		if cause := classic.Check(program); cause != nil {
			refused.Err = fmt.Errorf("%w: bytecode %w", refused.Err, cause)
			break
		}
	}
	return err
}

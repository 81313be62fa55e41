package netlink

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
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

// ParseBytecode reads a classic program as tc(8) has it, "N,c t f k,c t f k,",
// or as `tcpdump -ddd` prints it, with lines in place of commas: the number of
// instructions, then Code, JT, JF and K of each, all in decimal. It does not
// check what the instructions do.
func ParseBytecode(text string) ([]Instruction, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' })
	for len(words) > 0 && strings.TrimSpace(words[len(words)-1]) == "" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("bytecode is empty, expected a number of instructions and as many of them")
	}
	count, err := strconv.ParseUint(strings.TrimSpace(words[0]), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("bytecode begins with %.20q, expected the number of its instructions", words[0])
	}
	if count == 0 || count > MaxInstructions {
		return nil, fmt.Errorf("bytecode of %d instructions, expected 1 to %d", count, MaxInstructions)
	}
	words = words[1:]
	if uint64(len(words)) != count {
		return nil, fmt.Errorf("bytecode announces %d instructions and has %d", count, len(words))
	}
	program := make([]Instruction, count)
	for i, w := range words {
		if program[i], err = parseInstruction(w); err != nil {
			return nil, fmt.Errorf("bytecode instruction %d: %w", i, err)
		}
	}
	return program, nil
}

func parseInstruction(text string) (Instruction, error) {
	fields := strings.Fields(text)
	if len(fields) != 4 {
		return Instruction{}, fmt.Errorf("%.60q has %d numbers, expected code, jt, jf and k", text, len(fields))
	}
	var v [4]uint64
	for i, bits := range []int{16, 8, 8, 32} {
		var err error
		if v[i], err = strconv.ParseUint(fields[i], 10, bits); err != nil {
			return Instruction{}, fmt.Errorf("%.20q is not a number below %d", fields[i], uint64(1)<<bits)
		}
	}
	return Instruction{uint16(v[0]), uint8(v[1]), uint8(v[2]), uint32(v[3])}, nil
}

// FormatBytecode is the inverse of ParseBytecode, in tc's form.
func FormatBytecode(program []Instruction) string {
	b := strconv.AppendInt(nil, int64(len(program)), 10)
	for _, i := range program {
		b = fmt.Appendf(b, ",%d %d %d %d", i.Code, i.JT, i.JF, i.K)
	}
	return string(b)
}

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

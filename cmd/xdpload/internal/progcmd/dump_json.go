package progcmd

import (
	"encoding/binary"
	"strconv"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/readback"
)

// codeInstruction is an instruction as JSON: disasm of the kernel's, operation
// and operands of the machine's.
type codeInstruction struct {
	Source *string `json:"src,omitempty"`
	File   string  `json:"file,omitempty"`
	Line   int     `json:"line_num,omitempty"`
	Column int     `json:"line_col,omitempty"`

	Offset    *uint64  `json:"insn_off,omitempty"` // from the start of the program, in slots of 8 bytes
	PC        string   `json:"pc,omitempty"`       // from the start of the function, bytes
	Label     string   `json:"label,omitempty"`
	Disasm    string   `json:"disasm,omitempty"`
	Remark    string   `json:"remark,omitempty"`
	Operation string   `json:"operation,omitempty"`
	Operands  []string `json:"operands,omitempty"`
	Target    string   `json:"target,omitempty"` // the name of where it goes
	Opcodes   any      `json:"opcodes,omitempty"`
}

// setSource says the last of the lines: the one that the instruction does something for.
func (c *codeInstruction) setSource(lines []elf.Line, o codeOptions) {
	if !o.Source || len(lines) == 0 {
		return
	}
	l := &lines[len(lines)-1]
	c.Source, c.File, c.Line, c.Column = &l.Text, l.File, l.Line, l.Column
}

func xlatedInstruction(i *listing.Item, o codeOptions) codeInstruction {
	slot := i.Offset / insn.Size
	c := codeInstruction{Offset: &slot, Label: i.Label, Disasm: i.Text, Remark: i.Remark}
	c.setSource(i.Lines, o)
	if o.Raw {
		c.Opcodes = fieldsOf(i.Bytes)
	}
	return c
}

// instructionFields are the fields of struct bpf_insn, a text for each byte of numbers.
type instructionFields struct {
	Code   string   `json:"code"`
	Src    string   `json:"src_reg"`
	Dst    string   `json:"dst_reg"`
	Offset []string `json:"off"`
	Number []string `json:"imm"` // of both slots
}

func fieldsOf(b []byte) instructionFields {
	i := insn.Decode(b, binary.NativeEndian)
	number := b[4:8]
	if i.Wide {
		number = append(number[:4:4], b[12:]...)
	}
	return instructionFields{
		Code: hexNumber(i.Op), Src: hexNumber(i.Src), Dst: hexNumber(i.Dst), Offset: hexBytes(b[2:4]), Number: hexBytes(number),
	}
}

func jitedInstruction(i *readback.MachineInstruction, o codeOptions) codeInstruction {
	c := codeInstruction{PC: hexNumber(i.Offset), Label: i.Label, Operation: i.Operation, Operands: i.Operands, Target: i.Goes}
	c.setSource(i.Lines, o)
	if o.Raw {
		c.Opcodes = hexBytes(i.Bytes)
	}
	return c
}

func hexNumber[T ~uint8 | ~int | ~uint64](n T) string {
	return "0x" + strconv.FormatUint(uint64(n), 16)
}

// hexBytes writes each byte as bpftool does: "0x0f".
func hexBytes(b []byte) []string {
	const digits = "0123456789abcdef"
	out := make([]string, len(b))
	for i, c := range b {
		out[i] = string([]byte{'0', 'x', digits[c>>4], digits[c&15]})
	}
	return out
}

package classic

// MaxInstructions is the length of the longest program, BPF_MAXINSNS of
// linux/bpf_common.h.
const MaxInstructions = 4096

// Memory is how many words of scratch memory a program has, BPF_MEMWORDS of
// linux/filter.h.
const Memory = 16

// An Instruction is struct sock_filter of linux/filter.h.
type Instruction struct {
	Code uint16 `json:"code"`
	JT   uint8  `json:"jt"` // instructions to skip if true
	JF   uint8  `json:"jf"` // and if false
	K    uint32 `json:"k"`
}

// Classes, sizes, modes and operators: the bits of Code, linux/bpf_common.h.
const (
	LD   = 0x00 // load into A
	LDX  = 0x01 // load into X
	ST   = 0x02
	STX  = 0x03
	ALU  = 0x04
	JMP  = 0x05
	RET  = 0x06
	MISC = 0x07

	W = 0x00 // four bytes
	H = 0x08
	B = 0x10

	IMM = 0x00
	ABS = 0x20
	IND = 0x40
	MEM = 0x60
	LEN = 0x80
	MSH = 0xa0

	ADD = 0x00
	SUB = 0x10
	MUL = 0x20
	DIV = 0x30
	OR  = 0x40
	AND = 0x50
	LSH = 0x60
	RSH = 0x70
	NEG = 0x80
	MOD = 0x90
	XOR = 0xa0

	JA   = 0x00
	JEQ  = 0x10
	JGT  = 0x20
	JGE  = 0x30
	JSET = 0x40

	K   = 0x00 // the operand is K
	X   = 0x08 // the operand is X
	A   = 0x10 // ret: A
	TAX = 0x00
	TXA = 0x80
)

// Class returns the class of the instruction.
func (i Instruction) Class() uint16 { return i.Code & 7 }

// Operator returns what an instruction of class ALU or JMP does.
func (i Instruction) Operator() uint16 { return i.Code & 0xf0 }

// Mode returns where a load takes its value from.
func (i Instruction) Mode() uint16 { return i.Code & 0xe0 }

// Size returns how many bytes a load from the packet reads.
func (i Instruction) Size() int {
	switch i.Code & 0x18 {
	case H:
		return 2
	case B:
		return 1
	}
	return 4
}

// Conditional reports whether the instruction is a jump with two ways.
func (i Instruction) Conditional() bool { return i.Class() == JMP && i.Operator() != JA }

// Extension returns which extension a load asks for; ok is false for one from
// the packet.
func (i Instruction) Extension() (e Extension, ok bool) {
	if i.Class() == LD && i.Mode() == ABS && i.K >= extensions {
		return Extension(i.K - extensions), true
	}
	return 0, false
}

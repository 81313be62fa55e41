// Package insn reads and writes BPF instructions as the kernel's verifier and
// bpftool print them: "r1 = *(u32 *)(r1 +0)", "if r3 > r2 goto L1",
// "call bpf_map_lookup_elem", "lock *(u64 *)(r0 +0) += r1".
//
// [Instruction.Text] and [Parse] are twins over one list of forms: an instruction
// that has no text of its own, because reserved fields are set in it, is written as
// ".insn" with its fields as numbers, so that every 8 bytes have a text that stands
// for just them.
package insn

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Size is the size of an instruction slot in bytes: struct bpf_insn,
// include/uapi/linux/bpf.h.
const Size = 8

// Instruction is one instruction: the fields of struct bpf_insn.
type Instruction struct {
	Op       byte
	Dst, Src byte // registers, 0 to 15
	Off      int16
	Imm      int32

	// High is the upper half of the number of a 64-bit load, which takes two slots.
	High int32
	Wide bool
}

// Opcodes that others look for, include/uapi/linux/bpf.h.
const (
	LoadImm64 = 0x18 // BPF_LD | BPF_IMM | BPF_DW: a 64-bit load, two slots
	Call      = 0x85 // BPF_JMP | BPF_CALL
	CallReg   = 0x8d // BPF_JMP | BPF_CALL | BPF_X
	Exit      = 0x95 // BPF_JMP | BPF_EXIT
	Jump      = 0x05 // BPF_JMP | BPF_JA: by off
	LongJump  = 0x06 // BPF_JMP32 | BPF_JA: by imm
	MayGoto   = 0xe5 // BPF_JMP | BPF_JCOND
	JumpReg   = 0x0d // BPF_JMP | BPF_JA | BPF_X
)

// NoSpec is what the verifier puts against speculation: BPF_ST | BPF_NOSPEC,
// include/linux/filter.h. No loader can.
const NoSpec = 0xc2

// Values of Src in a call and in a 64-bit load, include/uapi/linux/bpf.h.
const (
	CallHelper = 0
	CallLocal  = 1 // BPF_PSEUDO_CALL: imm counts slots from the next instruction
	CallKernel = 2 // BPF_PSEUDO_KFUNC_CALL: imm is a BTF type of the kernel

	LoadNumber   = 0
	LoadMap      = 1 // BPF_PSEUDO_MAP_FD
	LoadMapValue = 2 // BPF_PSEUDO_MAP_VALUE
	LoadBTF      = 3 // BPF_PSEUDO_BTF_ID
	LoadFunction = 4 // BPF_PSEUDO_FUNC
	LoadIdx      = 5 // BPF_PSEUDO_MAP_IDX
	LoadIdxValue = 6 // BPF_PSEUDO_MAP_IDX_VALUE
)

// Classes: the lowest three bits of an opcode.
const (
	ClassLD    = 0x00
	ClassLDX   = 0x01
	ClassST    = 0x02
	ClassSTX   = 0x03
	ClassALU   = 0x04
	ClassJMP   = 0x05
	ClassJMP32 = 0x06
	ClassALU64 = 0x07
)

// Class returns the class of the opcode.
func (i Instruction) Class() byte { return i.Op & 7 }

// Slots returns how many slots of [Size] bytes the instruction takes, 1 or 2.
func (i Instruction) Slots() int {
	if i.Wide {
		return 2
	}
	return 1
}

// Decode reads the first instruction of b, which has at least Size bytes. A
// 64-bit load whose second slot is not what it must be is read as one slot.
func Decode(b []byte, order binary.ByteOrder) Instruction {
	i := Instruction{Op: b[0], Off: int16(order.Uint16(b[2:])), Imm: int32(order.Uint32(b[4:]))}
	// The bit fields of the C compiler follow the byte order.
	i.Dst, i.Src = b[1]&15, b[1]>>4
	if big(order) {
		i.Dst, i.Src = i.Src, i.Dst
	}
	if i.Op == LoadImm64 && len(b) >= 2*Size && order.Uint32(b[8:]) == 0 {
		i.High, i.Wide = int32(order.Uint32(b[12:])), true
	}
	return i
}

// Append writes the instruction after b.
func (i Instruction) Append(b []byte, order binary.ByteOrder) []byte {
	regs := i.Src<<4 | i.Dst&15
	if big(order) {
		regs = i.Dst<<4 | i.Src&15
	}
	slot := [2 * Size]byte{0: i.Op, 1: regs}
	order.PutUint16(slot[2:], uint16(i.Off))
	order.PutUint32(slot[4:], uint32(i.Imm))
	order.PutUint32(slot[12:], uint32(i.High))
	return append(b, slot[:Size*i.Slots()]...)
}

// All yields the instructions of code by their offset in bytes. Bytes at the end
// that are no instruction are left out.
func All(code []byte, order binary.ByteOrder) iter.Seq2[uint64, Instruction] {
	return func(yield func(uint64, Instruction) bool) {
		for at := 0; at+Size <= len(code); {
			i := Decode(code[at:], order)
			if !yield(uint64(at), i) {
				return
			}
			at += i.Slots() * Size
		}
	}
}

func big(order binary.ByteOrder) bool { return order.Uint16([]byte{0, 1}) == 1 }

// Target returns the slot that a jump or a local call goes to, counted from
// the instruction itself; ok is false for other instructions.
func (i Instruction) Target() (slots int, ok bool) {
	switch {
	case i.Op == LongJump, i.Op == Call && i.Src == CallLocal:
		return 1 + int(i.Imm), true
	case i.Op == Call || i.Op == CallReg || i.Op == Exit || i.Op == JumpReg:
		return 0, false
	case i.Class() == ClassJMP, i.Class() == ClassJMP32:
		return 1 + int(i.Off), true
	}
	return 0, false
}

// Falls reports whether the next instruction may run after this one.
func (i Instruction) Falls() bool {
	return i.Op != Exit && i.Op != Jump && i.Op != LongJump && i.Op != JumpReg
}

// raw is the text of an instruction that has no other.
func (i Instruction) raw() string {
	s := fmt.Sprintf(".insn %#02x %d %d %d %d", i.Op, i.Dst, i.Src, i.Off, i.Imm)
	if i.Wide {
		s += fmt.Sprintf(" %d", i.High)
	}
	return s
}

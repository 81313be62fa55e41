package classic

import (
	"fmt"
	"strings"
)

// Disassemble writes a program as [Assemble] reads it. What an instruction has
// set that the kernel ignores stands in a comment: tcpdump leaves a k in tax. The
// error names the instruction that is none, or that jumps out of the program.
func Disassemble(program []Instruction) (string, error) {
	targets := make([]bool, len(program))
	for at, i := range program {
		if find(i.Code) == nil {
			return "", fmt.Errorf("instruction %d: no instruction has the code %#x", at, i.Code)
		}
		for _, to := range i.targets(at) {
			if to >= uint64(len(program)) {
				return "", fmt.Errorf("instruction %d: %s jumps to %d of %d", at, find(i.Code).name, to, len(program))
			}
			targets[to] = true
		}
	}
	var b strings.Builder
	for at, i := range program {
		label := ""
		if targets[at] {
			label = labelOf(uint64(at)) + ":"
		}
		fmt.Fprintf(&b, "%-7s %s%s\n", label, i.text(at), i.ignored())
	}
	return b.String(), nil
}

// targets lists where a jump at that place goes to. That of ja may be behind it:
// tcpdump's protochain makes loops, which libpcap runs and no kernel does.
func (i Instruction) targets(at int) []uint64 {
	next := uint64(at) + 1
	switch {
	case i.Conditional():
		return []uint64{next + uint64(i.JT), next + uint64(i.JF)}
	case i.Class() == JMP:
		return []uint64{uint64(uint32(next) + i.K)}
	}
	return nil
}

func labelOf(at uint64) string { return fmt.Sprintf("l%d", at) }

// String returns the instruction as it stands in a program, with its jumps as
// numbers of instructions to skip.
func (i Instruction) String() string {
	o := find(i.Code)
	if o == nil {
		return fmt.Sprintf("code %#x", i.Code)
	}
	s := strings.TrimSpace(o.name + " " + i.operand(o.form))
	switch {
	case i.Conditional():
		s += fmt.Sprintf(", +%d, +%d", i.JT, i.JF)
	case i.Class() == JMP:
		s += fmt.Sprintf(" %+d", int32(i.K))
	}
	return s
}

func (i Instruction) text(at int) string {
	o := find(i.Code)
	words := []string{strings.TrimSpace(o.name + " " + i.operand(o.form))}
	for _, to := range i.targets(at) {
		words = append(words, labelOf(to))
	}
	if o.form == formJump {
		return strings.Join(words, " ")
	}
	return strings.Join(words, ", ")
}

func (i Instruction) operand(f form) string {
	switch f {
	case formAbsolute:
		if e, ok := i.Extension(); ok && e.named() {
			return "#" + e.String()
		}
		return fmt.Sprintf("[%d]", int32(i.K))
	case formIndirect:
		return fmt.Sprintf("[x + %d]", int32(i.K))
	case formMemory:
		return fmt.Sprintf("M[%d]", i.K)
	case formHex:
		return fmt.Sprintf("#%#x", i.K)
	case formSigned:
		return fmt.Sprintf("#%d", int32(i.K))
	case formDecimal, formNumber:
		return fmt.Sprintf("#%d", i.K)
	case formShift:
		return fmt.Sprintf("4*([%d]&0xf)", int32(i.K))
	case formLength:
		return "#len"
	case formX:
		return "x"
	case formA:
		return "a"
	default:
		return ""
	}
}

// plain returns the instruction without the fields that it does not use.
func (i Instruction) plain() Instruction {
	if !i.Conditional() {
		i.JT, i.JF = 0, 0
	}
	switch find(i.Code).form {
	case formNone, formLength, formX, formA:
		i.K = 0
	default:
	}
	return i
}

// ignored is a comment with the fields that are set and not used.
func (i Instruction) ignored() string {
	p, s := i.plain(), ""
	if p.JT != i.JT || p.JF != i.JF {
		s += fmt.Sprintf(" jt %d jf %d", i.JT, i.JF)
	}
	if p.K != i.K {
		s += fmt.Sprintf(" k %d", i.K)
	}
	if s != "" {
		s = " ; ignored:" + s
	}
	return s
}

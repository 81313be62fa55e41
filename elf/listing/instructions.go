package listing

import (
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
)

// Instruction is one instruction of a function, with the name of what it
// refers to in its text.
type Instruction struct {
	insn.Instruction
	Offset uint64 // bytes from the start of the section
	Text   string // a jump goes to "pc+3"
}

// Instructions returns the instructions of a program or subprogram. A reference
// that leads nowhere is left as the number that it is. The error is a [*elf.FormatError].
func Instructions(o *elf.Object, p elf.Program) ([]Instruction, error) {
	code, err := o.Code(p)
	if err != nil {
		return nil, err
	}
	refs, _ := o.References(p)
	list := make([]Instruction, 0, len(code)/insn.Size)
	for at, decoded := range insn.All(code, o.ByteOrder()) {
		i := Instruction{Instruction: decoded, Offset: p.Offset + at}
		for len(refs) > 0 && refs[0].Offset < i.Offset {
			refs = refs[1:]
		}
		i.Text = i.Instruction.Text("")
		if len(refs) > 0 && refs[0].Offset == i.Offset {
			i.Text = i.Instruction.Text(operandOf(refs[0]))
		}
		list = append(list, i)
	}
	return list, nil
}

func operandOf(r elf.Reference) string {
	switch r.Kind {
	case elf.RefMap:
		return "map[" + quote(r.Name) + "]"
	case elf.RefCall, elf.RefKernel:
		if r.Name != "" {
			return quote(r.Name)
		}
	case elf.RefFunction, elf.RefKernelVar:
		return "&" + quote(r.Name)
	case elf.RefVariable:
		return "&[" + quote(r.Section) + "]" + offset(int64(r.Value))
	case elf.RefHelper:
	}
	return ""
}

package readback

import (
	"fmt"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/disasm"
)

// Machine is the machine code of a function.
type Machine struct {
	Function
	Instructions []MachineInstruction
}

// MachineInstruction is a machine instruction and what stands around it.
type MachineInstruction struct {
	disasm.Instruction
	Offset int // from the start of the function, bytes
	Bytes  []byte
	Label  string     // that jumps go to, "" for none
	Goes   string     // the name of the label, function or symbol that a jump or call goes to, "" for none
	Lines  []elf.Line // of the source that begin here
}

// JITed returns the program's machine code by function. The error is a
// [*HiddenError], [ErrNotJITed], or wraps [errors.ErrUnsupported] on a machine that there is no
// disassembler for, or [disasm.ErrUnknown].
func (p *Program) JITed(n Names) ([]Machine, error) {
	switch {
	case p.JITedSize == 0 && p.code.Xlated != nil:
		return nil, ErrNotJITed
	case p.code.JITed == nil:
		return nil, &HiddenError{What: "machine code"}
	}
	image := p.code.JITed
	functions := p.Functions[:min(len(p.Functions), max(1, len(p.code.FuncLens)))]
	if len(p.code.FuncLens) == 0 {
		functions[0].Size = len(image)
	}
	var out []Machine
	for _, f := range functions {
		if f.Size > len(image) {
			return nil, fmt.Errorf("%s: %d bytes of machine code, of which there are %d", f.Name, f.Size, len(image))
		}
		m := Machine{Function: f}
		if err := m.decode(image[:f.Size], p.addrs); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		image = image[f.Size:]
		out = append(out, m)
	}
	nameTargets(out, n.Symbols)
	return out, nil
}

// decode takes the code of a function apart.
func (m *Machine) decode(code []byte, lines map[uint64][]elf.Line) error {
	for at := 0; at < len(code); {
		address := m.Address + uint64(at)
		i, err := decode(code[at:], address)
		if err != nil {
			return fmt.Errorf("at offset %#x: %w", at, err)
		}
		m.Instructions = append(m.Instructions, MachineInstruction{
			Instruction: i, Offset: at, Bytes: code[at : at+i.Len], Lines: lines[address],
		})
		at += i.Len
	}
	return nil
}

// nameTargets gives labels to where jumps within a function go, and finds the names of what lies outside.
func nameTargets(all []Machine, symbols *Symbols) {
	functions := make(map[uint64]string)
	for _, m := range all {
		functions[m.Address] = m.Name
	}
	var outside []uint64
	labels := 0
	for _, m := range all {
		labels = m.label(labels)
		for _, i := range m.Instructions {
			if i.Transfer != disasm.None && i.Goes == "" && functions[i.Target] == "" {
				outside = append(outside, i.Target)
			}
		}
	}
	names := symbols.Names(outside)
	for _, m := range all {
		for n := range m.Instructions {
			i := &m.Instructions[n]
			switch {
			case i.Transfer == disasm.None || i.Goes != "":
			case functions[i.Target] != "":
				i.Goes = functions[i.Target]
			default:
				i.Goes = names[i.Target]
			}
		}
	}
}

// label names the instructions that jumps of the same function go to, from the number after
// used on, and returns the last number.
func (m *Machine) label(used int) int {
	byAddress := make(map[uint64]*MachineInstruction, len(m.Instructions))
	for n := range m.Instructions {
		byAddress[m.Address+uint64(m.Instructions[n].Offset)] = &m.Instructions[n]
	}
	targets := make(map[*MachineInstruction]bool)
	for _, i := range m.Instructions {
		if to := byAddress[i.Target]; to != nil && i.Transfer == disasm.Jump {
			targets[to] = true
		}
	}
	for n := range m.Instructions {
		if i := &m.Instructions[n]; targets[i] {
			used++
			i.Label = fmt.Sprintf("L%d", used)
		}
	}
	for n := range m.Instructions {
		i := &m.Instructions[n]
		if to := byAddress[i.Target]; to != nil && i.Transfer == disasm.Jump {
			i.Goes = to.Label
		}
	}
	return used
}

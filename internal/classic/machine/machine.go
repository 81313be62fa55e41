// Package machine runs filters of classic BPF over packets: in the virtual machine of
// golang.org/x/net/bpf, and in the kernel.
package machine

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/xdpload/xdpload/internal/classic"
)

// ErrUnable says that a machine does not have what a filter asks for.
var ErrUnable = errors.New("the machine is unable to run it")

// A VM is the virtual machine of golang.org/x/net/bpf with a filter.
type VM struct {
	filter []bpf.Instruction
	length []int // instructions that load the length into X
	vm     *bpf.VM
}

// NewVM returns a machine for the filter. The error wraps [ErrUnable] for an
// extension other than len, and for an offset that would wrap around.
func NewVM(filter []classic.Instruction) (*VM, error) {
	m := &VM{filter: make([]bpf.Instruction, len(filter))}
	for at, i := range filter {
		if err := m.add(at, i); err != nil {
			return nil, &classic.CheckError{At: at, Instruction: i, Err: err}
		}
	}
	vm, err := bpf.NewVM(m.filter)
	if err != nil {
		return nil, fmt.Errorf("x/net/bpf: %w", err)
	}
	m.vm = vm
	return m, nil
}

// add translates an instruction. What the machine does not have is written as what
// does the same.
func (m *VM) add(at int, i classic.Instruction) error {
	e, extension := i.Extension()
	m.filter[at] = bpf.RawInstruction{Op: i.Code, Jt: i.JT, Jf: i.JF, K: i.K}.Disassemble()
	switch {
	case i.Code == classic.ALU|classic.NEG:
		m.filter[at] = bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: 1<<32 - 1}
	case i.Code == classic.LDX|classic.W|classic.LEN:
		m.filter[at] = bpf.LoadConstant{Dst: bpf.RegX}
		m.length = append(m.length, at)
	case extension && e == classic.XorX:
		m.filter[at] = bpf.ALUOpX{Op: bpf.ALUOpXor}
	case extension:
		return fmt.Errorf("%w: x/net/bpf has no %v", ErrUnable, e)
	case i.Class() == classic.LD && i.Mode() == classic.IND && int32(i.K) < 0:
		return fmt.Errorf("%w: x/net/bpf has no negative offset", ErrUnable)
	}
	return nil
}

// Run returns how many bytes of the packet the filter keeps, 0 if it does not
// accept it. It is not safe for concurrent use.
func (m *VM) Run(packet []byte) (int, error) {
	for _, at := range m.length {
		m.filter[at] = bpf.LoadConstant{Dst: bpf.RegX, Val: uint32(len(packet))}
	}
	n, err := m.vm.Run(packet)
	return min(n, len(packet)), err
}

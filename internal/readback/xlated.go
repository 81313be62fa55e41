package readback

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/listing"
)

// Names are what numbers in a program stand for.
type Names struct {
	Symbols *Symbols
	Map     func(id uint32) string // "" for one that cannot be looked up
}

// Xlated returns the program's instructions as the verifier left them. The
// error is a [*HiddenError].
func (p *Program) Xlated(n Names) ([]listing.Item, error) {
	if p.code.Xlated == nil {
		return nil, &HiddenError{What: "rewritten instructions"}
	}
	x := xlated{Program: p, names: n, functions: make(map[uint64]string)}
	for _, f := range p.Functions {
		x.functions[f.Offset] = f.Name
	}
	var addresses []uint64
	for _, i := range insn.All(p.code.Xlated, binary.NativeEndian) {
		if address := x.address(i); address != 0 {
			addresses = append(addresses, address)
		}
	}
	x.symbols = n.Symbols.Names(addresses)
	code := listing.Code{Data: p.code.Xlated, Order: binary.NativeEndian, Functions: x.functions, Lines: p.lines, Name: x.name}
	return code.Items(), nil
}

// xlated names what rewritten instructions refer to.
type xlated struct {
	*Program
	names     Names
	functions map[uint64]string
	symbols   map[uint64]string
}

// kernelHalf is where the addresses of the kernel begin, on every 64-bit machine.
const kernelHalf = 1 << 63

// address returns the kernel address that an instruction holds, 0 for none. Of what is
// called it is relative, and 0 where addresses are hidden.
func (x *xlated) address(i insn.Instruction) uint64 {
	switch {
	case i.Op == insn.Call && i.Src != insn.CallLocal && i.Imm != 0:
		if base := x.names.Symbols.base(); base != 0 {
			return base + uint64(int64(i.Imm))
		}
	case i.Op == insn.LoadImm64 && i.Src == insn.LoadNumber:
		if n := uint64(uint32(i.High))<<32 | uint64(uint32(i.Imm)); n >= kernelHalf {
			return n
		}
	}
	return 0
}

// name returns what stands for an operand.
func (x *xlated) name(at uint64, i insn.Instruction) (operand, remark string) {
	if to, ok := callee(i, at); ok {
		return x.function(i, to)
	}
	switch {
	case i.Op == insn.Call:
		return x.kernelFunction(i), ""
	case i.Op != insn.LoadImm64:
		return "", ""
	case i.Src == insn.LoadMap, i.Src == insn.LoadMapValue:
		return x.mapName(i)
	}
	return "", x.symbols[x.address(i)]
}

// function names a function of the program. The distance has 16 bits, which do not
// reach everywhere; machine code is called by the function's number in imm.
func (x *xlated) function(i insn.Instruction, to uint64) (operand, remark string) {
	name := x.functions[to]
	number := i.Imm
	if i.Op == insn.LoadImm64 {
		number = i.High
	}
	if len(x.code.FuncLens) > 0 && number > 0 && int(number) < len(x.Functions) {
		name = x.Functions[number].Name
	}
	switch {
	case name == "":
		return "", ""
	case i.Op == insn.LoadImm64:
		return "&" + name, ""
	}
	return name, ""
}

// kernelFunction names a helper or a kernel function.
func (x *xlated) kernelFunction(i insn.Instruction) string {
	switch name := x.symbols[x.address(i)]; {
	case name != "":
		return name
	case i.Imm == 0:
		return "hidden"
	case i.Src == insn.CallKernel: // a number of the kernel's BTF, on machines whose calls reach further
		return ""
	}
	return fmt.Sprintf("%s%+#x", callBase, i.Imm)
}

func (x *xlated) mapName(i insn.Instruction) (operand, remark string) {
	id := uint32(i.Imm)
	name := cmp.Or(x.names.Map(id), fmt.Sprintf("id:%d", id))
	operand = "map[" + name + "]"
	if i.Src == insn.LoadMapValue {
		operand += fmt.Sprintf("[0]%+d", i.High)
	}
	return operand, fmt.Sprintf("map id %d", id)
}

// Hidden reports whether the kernel hides the addresses of what the program calls.
func (p *Program) Hidden() bool {
	for _, i := range insn.All(p.code.Xlated, binary.NativeEndian) {
		if i.Op == insn.Call && i.Src == insn.CallHelper && i.Imm == 0 {
			return true
		}
	}
	return false
}

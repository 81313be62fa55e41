// Package disasm says how a machine instruction is told: its length, its text
// in the words of the GNU assembler, and where it goes.
//
// The decoders are below it, one for each machine, for what is linked costs
// every start of the program: x86 and arm64.
package disasm

import (
	"errors"
	"strings"
)

// Instruction is one machine instruction.
type Instruction struct {
	Len       int    // bytes
	Operation string // with its prefixes: "mov", "lock cmpxchg"
	// Operands are in the order of the GNU assembler: on x86 the source comes first.
	// The last one of a direct jump or call is where it goes, as a number.
	Operands []string

	Target   uint64 // address that a direct jump or call goes to
	Transfer Transfer
}

// Transfer says how an instruction goes elsewhere.
type Transfer uint8

// The ways to go elsewhere: Jump and Call have a Target.
const (
	None Transfer = iota
	Jump
	Call
)

// ErrUnknown says that bytes are not an instruction that the decoder knows.
var ErrUnknown = errors.New("unknown instruction")

// Text returns the instruction on one line. A target that is not "" stands in
// the place of the number that a jump or call goes to.
func (i *Instruction) Text(target string) string {
	operands := i.Operands
	if n := len(operands) - 1; target != "" && n >= 0 && i.Transfer != None {
		operands = append(append([]string(nil), operands[:n]...), target)
	}
	if len(operands) == 0 {
		return i.Operation
	}
	return i.Operation + " " + strings.Join(operands, ",")
}

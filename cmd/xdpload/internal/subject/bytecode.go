package subject

import (
	"github.com/xdpload/xdpload/netlink"
)

// MaxBytecodeText is more than 4096 instructions take.
const MaxBytecodeText = 1 << 20

// BytecodeReport is a classic program.
type BytecodeReport struct {
	Length int                   `json:"length"`
	Insns  []netlink.Instruction `json:"insns"`
}

// ReportBytecode reports on a classic program, nil for one without instructions.
func ReportBytecode(program []netlink.Instruction) *BytecodeReport {
	if len(program) == 0 {
		return nil
	}
	return &BytecodeReport{Length: len(program), Insns: program}
}

// String is what tc prints, and reads.
func (r *BytecodeReport) String() string { return netlink.FormatBytecode(r.Insns) }

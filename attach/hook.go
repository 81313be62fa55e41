package attach

import (
	"github.com/cilium/ebpf"
)

// A Hook is a place where a device runs programs: an [XDP], [Clsact], [TCX] or
// [Netkit] literal.
// The set of hooks is closed.
type Hook interface {
	// ProgramType is the type of the programs that the hook runs.
	ProgramType() ebpf.ProgramType

	ifindex() int // 0 for a block of filters that qdiscs share
	// steps are what the hook does for a plan, to put a program there or to take
	// one off.
	steps(off bool) steps
}

package load

import (
	"cmp"
	"context"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/prog"
)

// Options says what of an object is loaded, and how. The zero value loads
// the only program of the object.
type Options struct {
	// Select names the program. Its Type is the type that the hook runs.
	Select elf.Selector
	// Also are programs beside it, of any type, which share its maps. Nothing attaches
	// them: see [Pin].
	Also []elf.Selector
	// Target is the program of which freplace programs replace a function, nil for none.
	Target *prog.Program
	// Verbose asks the verifier for its log even of a program that it takes.
	Verbose bool
	// Jobs bounds how many programs are verified at a time, each on a thread of
	// its own; nil is as many as Go may use ([runtime.GOMAXPROCS]).
	Jobs Jobs
	// Ifindex is the device that runs the program itself, 0 for the kernel.
	// It is looked up in the network namespace of the calling thread;
	// xdpload.Apply enters that of its Conn.
	Ifindex int
	// BoundOnly leaves the program in the kernel, and ties it to the device of
	// Ifindex: it can call what that device's driver offers, and can be
	// attached there only (BPF_F_XDP_DEV_BOUND_ONLY, Linux 6.3).
	BoundOnly bool
	// Variables are set before the load, in this order.
	Variables []Variable
	// Maps are exceptions from what the object says of its maps.
	Maps []MapOption
	// TailCalls add to what the object puts into its program arrays.
	TailCalls []elf.TailCall
	// KeepSlots leaves the elements of program arrays that were there before as they
	// are, whatever the object puts there.
	KeepSlots bool
	// Pins says where and how to pin.
	Pins PinOptions
	// Loaded is called, if not nil, when the kernel has the programs and maps,
	// before anything is pinned or attached. Its error is that of the load.
	Loaded func(*Loaded) error
	// Adapt, if not nil, may change the programs' attach type and flags before
	// they are verified: those of a program array must agree in them.
	Adapt func(*ebpf.ProgramSpec)
}

// selectors are those of all programs.
func (o *Options) selectors() []elf.Selector {
	return append([]elf.Selector{o.Select}, o.Also...)
}

// Jobs bounds how many programs all loads that share it have verified at a time.
// Make it with [NewJobs].
type Jobs chan struct{}

// NewJobs allows n at a time.
func NewJobs(n int) Jobs { return make(Jobs, n) }

// take waits for a place, and returns what gives it back.
func (j Jobs) take(ctx context.Context) (free func(), err error) {
	if j == nil {
		return func() {}, nil
	}
	select {
	case j <- struct{}{}:
		return func() { <-j }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Variable is the value of a global variable, as text: see [elf.Object.Set].
type Variable struct {
	Name, Value string // "config.limit", "1000"
}

// MapOption is an exception for one map of the object. Zero fields ask for
// nothing; of several options for a map each adds its own.
type MapOption struct {
	Name   string // of the map in the object
	Pinned string // use the map that is pinned at this path, absolute or "m:REST"
	ID     uint32 // use the map with this id
	// Open, if not nil, returns the map to use, which the load closes.
	Open       func() (*ebpf.Map, error)
	MaxEntries uint32 // how many it has room for
}

// mapOption joins the options for a map.
func (o *Options) mapOption(name string) (all MapOption) {
	for _, m := range o.Maps {
		if m.Name == name {
			all.Pinned = cmp.Or(m.Pinned, all.Pinned)
			all.ID = cmp.Or(m.ID, all.ID)
			if m.Open != nil {
				all.Open = m.Open
			}
			all.MaxEntries = cmp.Or(m.MaxEntries, all.MaxEntries)
		}
	}
	return all
}

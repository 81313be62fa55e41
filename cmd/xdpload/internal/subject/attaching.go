package subject

import (
	"context"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/load"
)

// An Attaching is a request to run a program on hooks. What it will do is known
// before it is done.
type Attaching interface {
	env.Request
	// Loads is what it would load. It opens nothing.
	Loads() Loading
	// Prepare finds out all that can be known without loading a program.
	Prepare(context.Context, *env.Env) (*Change, error)
}

// A Loading is what a line of a batch would load.
type Loading struct {
	Program *ProgramRequest // nil for none, and for one that has to wait for its turn
	Run     ebpf.ProgramType
	Shares  bool // with the lines that name the same program
	Barrier bool // what comes after the line must not be loaded before it has run
}

// A Joining is an attaching that may be applied together with lines like it.
type Joining interface {
	Attaching
	// Simple reports whether nothing has to be looked for or loaded.
	Simple(*env.Env) bool
}

// Loading says what a program's load is to the lines around it.
func (r *ProgramRequest) Loading(run ebpf.ProgramType, shares bool) Loading {
	f := Loading{Run: run, Shares: shares && r.Load.plain(), Barrier: r.Numbered()}
	if r.File != "" && r.File != "-" && !f.Barrier && !r.Verbose && !r.Bound && r.Export == "" && !r.Load.pins() {
		f.Program = r
	}
	return f
}

// Numbered reports whether the program or one of its maps goes by a number,
// which one that is loaded before its turn could have got.
func (r *ProgramRequest) Numbered() bool {
	byID := func(m load.MapOption) bool { return m.ID != 0 }
	return r.FD != nil || r.ID != 0 || slices.ContainsFunc(r.Load.Maps, byID)
}

// pins reports whether the line pins, or uses what is pinned before.
func (r *LoadRequest) pins() bool {
	pinned := func(m load.MapOption) bool { return m.Pinned != "" }
	return r.PinMaps != "" || r.PinProgram != "" || slices.ContainsFunc(r.Maps, pinned)
}

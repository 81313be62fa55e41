package main

import (
	"context"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/load"
)

// An attaching is a request to run a program on hooks. What it will do is known
// before it is done.
type attaching interface {
	request
	// loads is what it would load. It opens nothing.
	loads() loading
	// prepare finds out all that can be known without loading a program.
	prepare(context.Context, *env) (*change, error)
}

// A loading is what a line of a batch would load.
type loading struct {
	program *programRequest // nil for none, and for one that has to wait for its turn
	run     ebpf.ProgramType
	shares  bool // with the lines that name the same program
	barrier bool // what is behind the line must not be loaded before it has run
}

// A joining is an attaching that may be applied together with lines like it.
type joining interface {
	attaching
	// simple reports whether nothing has to be looked for or loaded.
	simple(*env) bool
}

// loading says what a program's load is to the lines around it.
func (r *programRequest) loading(run ebpf.ProgramType, shares bool) loading {
	f := loading{run: run, shares: shares && r.Load.plain(), barrier: r.numbered()}
	if r.File != "" && r.File != "-" && !f.barrier && !r.Verbose && !r.Bound && r.Export == "" && !r.Load.pins() {
		f.program = r
	}
	return f
}

// numbered reports whether the program or one of its maps goes by a number,
// which one that is loaded before its turn could have got.
func (r *programRequest) numbered() bool {
	byID := func(m load.MapOption) bool { return m.ID != 0 }
	return r.FD >= 0 || r.ID != 0 || slices.ContainsFunc(r.Load.Maps, byID)
}

// pins reports whether the line pins, or uses what is pinned before.
func (r *loadRequest) pins() bool {
	pinned := func(m load.MapOption) bool { return m.Pinned != "" }
	return r.PinMaps != "" || r.PinProgram != "" || slices.ContainsFunc(r.Maps, pinned)
}

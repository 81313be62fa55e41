package main

import (
	"context"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
)

// A forecast is what a line says of its load.
type forecast struct {
	program *programRequest // nil for none, and for one that has to wait for its turn
	run     ebpf.ProgramType
	shares  bool // with the lines that name the same program
	barrier bool // what is behind the line must not be loaded before it has run
}

// forecast asks a line. Lines of commands that do more than attach are barriers.
func (e *env) forecast(ctx context.Context, j job) forecast {
	switch j.command {
	case "link set", filterAdd, "tc filter change", "tc filter replace", "tcx attach", "netkit attach":
		if f, err := e.ask(ctx, j, whatLoads); err == nil {
			if f, ok := f.(forecast); ok {
				return f
			}
		}
	}
	return forecast{barrier: true}
}

func (r *programRequest) forecast(run ebpf.ProgramType, shares bool) forecast {
	f := forecast{run: run, shares: shares && r.Load.plain(), barrier: r.numbered()}
	if r.File != "" && r.File != "-" && !f.barrier && !r.Verbose && !r.Bound && r.Export == "" && !r.Load.pins() {
		f.program = r
	}
	return f
}

// numbered reports whether the program or one of its maps goes by a number,
// which one that is loaded ahead could have got.
func (r *programRequest) numbered() bool {
	byID := func(m xdpload.MapOption) bool { return m.ID != 0 }
	return r.FD >= 0 || r.ID != 0 || slices.ContainsFunc(r.Load.Maps, byID)
}

// pins reports whether the line pins, or uses what is pinned before.
func (r *loadRequest) pins() bool {
	pinned := func(m xdpload.MapOption) bool { return m.Pinned != "" }
	return r.PinMaps != "" || r.PinProgram != "" || slices.ContainsFunc(r.Maps, pinned)
}

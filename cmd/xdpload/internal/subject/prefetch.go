package subject

import (
	"context"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
)

// A Loading is what a line of a batch would load.
type Loading struct {
	Program *ProgramRequest // nil for none, and for one that has to wait for its turn
	Run     ebpf.ProgramType
	Shares  bool // with the lines that name the same program
	Barrier bool // what comes after the line must not be loaded before it has run
}

// Loading says what a program's load is to the lines around it.
func (r *ProgramRequest) Loading(run ebpf.ProgramType, shares bool) Loading {
	f := Loading{Run: run, Shares: shares && r.Load.plain(), Barrier: r.Numbered()}
	if r.File != "" && r.File != "-" && !f.Barrier && !r.Verbose && !r.Bound && r.Export == "" && !r.Load.pins() {
		f.Program = r
	}
	return f
}

// Numbered reports whether the program or one of its maps goes by a number, or a name in
// the kernel, which one that is loaded before its turn could have got.
func (r *ProgramRequest) Numbered() bool {
	byID := func(m MapOption) bool { return m.ID != 0 || m.Loaded != "" }
	return r.FD != nil || r.Loaded.Numbered() || slices.ContainsFunc(r.Load.Maps, byID)
}

// pins reports whether the line pins, or uses what is pinned before.
func (r *LoadRequest) pins() bool {
	pinned := func(m MapOption) bool { return m.Pinned != "" }
	return r.PinMaps != "" || r.PinProgram != "" || slices.ContainsFunc(r.Maps, pinned)
}

// A Prefetch is the load of a line before its turn. Nil is one that does not come
// to anything.
type Prefetch struct {
	Line    int
	Of      ProgramName
	File    FileState // before it was read
	Options load.Options
	Done    chan struct{}
	Source  *xdpload.Object // nil if the file cannot be read, or when it was taken
	Worked  bool
}

// Run reads the object, and loads the program if nothing else can change it.
func (l *Prefetch) Run(ctx context.Context) {
	defer close(l.Done)
	if ctx.Err() != nil {
		return
	}
	obj, err := elf.Open(l.Of.File)
	if err != nil {
		return
	}
	l.Source = &xdpload.Object{Object: obj, Options: l.Options}
	pinned := func(m elf.Map) bool { return m.Pinning != elf.PinNone }
	if maps, err := obj.Maps(); err != nil || slices.ContainsFunc(maps, pinned) {
		return // what is pinned at its turn is what counts
	}
	l.Worked = l.Source.Load(ctx) == nil
}

// Object returns the object, unless the file has changed since.
func (l *Prefetch) Object() *elf.Object {
	if l == nil {
		return nil
	}
	<-l.Done
	if l.Source == nil || StateOf(l.Of.File) != l.File {
		return nil
	}
	return l.Source.Object
}

// take hands over what was loaded from an object.
func (l *Prefetch) take(obj *elf.Object) (s *xdpload.Object) {
	if l == nil {
		return nil
	}
	<-l.Done
	if l.Source != nil && l.Source.Object == obj {
		s, l.Source = l.Source, nil
	}
	return s
}

// Close waits for the load, and closes what nobody took.
func (l *Prefetch) Close() {
	<-l.Done
	if l.Source != nil {
		_ = l.Source.Close() // descriptors of ours only
		l.Source = nil
	}
}

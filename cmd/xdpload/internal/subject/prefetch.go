package subject

import (
	"context"
	"slices"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
)

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

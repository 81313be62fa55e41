package main

import (
	"context"
	"slices"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
)

// A prefetch is the load of a line before its turn. Nil is one that does not come
// to anything.
type prefetch struct {
	line    int
	of      programName
	file    fileState // before it was read
	options load.Options
	done    chan struct{}
	source  *xdpload.Object // nil if the file cannot be read, or when it was taken
	worked  bool
}

func (l *prefetch) run(ctx context.Context) {
	defer close(l.done)
	if ctx.Err() != nil {
		return
	}
	obj, err := elf.Open(l.of.file)
	if err != nil {
		return
	}
	l.source = &xdpload.Object{Object: obj, Options: l.options}
	pinned := func(m elf.Map) bool { return m.Pinning != elf.PinNone }
	if maps, err := obj.Maps(); err != nil || slices.ContainsFunc(maps, pinned) {
		return // what is pinned at its turn is what counts
	}
	l.worked = l.source.Load(ctx) == nil
}

// object returns the object, unless the file has changed since.
func (l *prefetch) object() *elf.Object {
	if l == nil {
		return nil
	}
	<-l.done
	if l.source == nil || stateOf(l.of.file) != l.file {
		return nil
	}
	return l.source.Object
}

// take hands over what was loaded from an object.
func (l *prefetch) take(obj *elf.Object) (s *xdpload.Object) {
	if l == nil {
		return nil
	}
	<-l.done
	if l.source != nil && l.source.Object == obj {
		s, l.source = l.source, nil
	}
	return s
}

// close waits for the load, and closes what nobody took.
func (l *prefetch) close() {
	<-l.done
	if l.source != nil {
		_ = l.source.Close() // descriptors of ours only
		l.source = nil
	}
}

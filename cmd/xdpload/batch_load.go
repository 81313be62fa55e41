package main

import (
	"context"
	"slices"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/elf"
)

// aheadLoad is the load of a line before its turn. Nil is one that does not come
// to anything.
type aheadLoad struct {
	line    int
	of      programName
	file    fileState // before it was read
	options xdpload.LoadOptions
	done    chan struct{}
	read    *elf.Object     // nil if it cannot be
	loaded  *xdpload.Loaded // nil if it cannot be, or when it was taken
	worked  bool
}

func (l *aheadLoad) run(ctx context.Context) {
	defer close(l.done)
	if ctx.Err() != nil {
		return
	}
	obj, err := elf.Open(l.of.file)
	if err != nil {
		return
	}
	l.read = obj
	pinned := func(m elf.Map) bool { return m.Pinning != elf.PinNone }
	if maps, err := obj.Maps(); err != nil || slices.ContainsFunc(maps, pinned) {
		return // what is pinned at its turn is what counts
	}
	if loaded, err := xdpload.Load(ctx, obj, l.options); err == nil {
		l.loaded, l.worked = loaded, true
	}
}

// object returns the object, unless the file has changed since.
func (l *aheadLoad) object() *elf.Object {
	if l == nil {
		return nil
	}
	<-l.done
	if stateOf(l.of.file) != l.file {
		return nil
	}
	return l.read
}

// take hands over what was loaded from an object.
func (l *aheadLoad) take(obj *elf.Object) (loaded *xdpload.Loaded) {
	if l == nil {
		return nil
	}
	<-l.done
	if l.read == obj {
		loaded, l.loaded = l.loaded, nil
	}
	return loaded
}

// close waits for the load, and closes what nobody took.
func (l *aheadLoad) close() {
	<-l.done
	if l.loaded != nil {
		_ = l.loaded.Close() // descriptors of ours only
		l.loaded = nil
	}
}

package xdpload

import (
	"context"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// An Object is a [Source] that loads a program of an object once, for all plans
// that share it. It is for one goroutine.
type Object struct {
	Object  *elf.Object  // the file
	Options load.Options // what of it is loaded, and how; until it is loaded

	loaded    *load.Loaded
	committed bool // its pins are there to stay
}

// Load has the kernel verify the program, if it was not done yet. [Apply] does
// so itself; a caller who knows what is next can have it done before its turn.
// Nothing of it is seen outside.
func (o *Object) Load(ctx context.Context) (err error) {
	if o.loaded == nil {
		o.loaded, err = load.Load(ctx, o.Object, o.Options)
	}
	return err
}

// Loaded is what was made of the object, nil before and after an error. It is
// closed with the Object.
func (o *Object) Loaded() *load.Loaded { return o.loaded }

// Close closes what was loaded, and takes back what of it was not attached. The
// Object can be used again, and then loads anew.
func (o *Object) Close() error {
	l := o.loaded
	if l == nil {
		return nil
	}
	o.loaded, o.committed = nil, false
	return l.Close()
}

// Program is the selected program, nil before it is loaded.
func (o *Object) Program() *prog.Program {
	if o.loaded == nil {
		return nil
	}
	return o.loaded.Program()
}

// FilterName is that of the object and the section: see [attach.FilterName].
func (o *Object) FilterName() string {
	p, err := o.Object.Program(o.Options.Select)
	if err != nil {
		return "" // the load says why
	}
	return attach.FilterName(o.Object.Name(), p.Section)
}

// Does reports whether a program that is attached does the same.
func (o *Object) Does(attached prog.Info) (bool, error) { return o.loaded.Does(attached) }

// Uncommitted is nil when there is nothing that [Apply] has to publish.
func (o *Object) Uncommitted() attach.Uncommitted {
	if o.loaded == nil || o.committed {
		return nil
	}
	return uncommitted{o.loaded, o}
}

type uncommitted struct {
	*load.Loaded
	o *Object
}

func (u uncommitted) Commit() error {
	err := u.Loaded.Commit()
	u.o.committed = err == nil
	return err
}

func (u uncommitted) Close() error { return u.o.Close() }

// Open is a [Source] of a program that is open: see [attach.Open].
func Open(p *prog.Program) Source { return attach.Open(p) }

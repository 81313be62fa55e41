package load

import (
	"context"
	"errors"
	"time"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/pin"
)

// This file is the first half of the hot path, from an object to programs in the
// kernel, in the order in which it happens; attach/apply.go is the second. Each line is a
// step with a file of its own: loader.go, types.go, maps.go, programs.go, tailcalls.go, pins.go.

// Load has the kernel verify the selected programs, and with them the programs
// that their tables of programs start with; maps that they reference are created,
// or reused where they are pinned. Nothing else of the object reaches the
// kernel. The caller closes the result.
//
// Programs are verified in parallel, see [Options.Jobs]. When several are
// refused, the error is that of the first one in the order of the object; those after it
// that have not begun are left out.
func Load(ctx context.Context, obj *elf.Object, o Options) (_ *Loaded, err error) {
	l := loader{obj: obj, options: o}
	if err := l.specify(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	l.types = loadTypes(l.spec, l.core)
	defer l.types.close()
	if err := l.createMaps(); err != nil {
		return nil, err
	}
	if err := l.loadPrograms(ctx); err != nil {
		return nil, err
	}
	if err := l.fillTables(); err != nil {
		return nil, err
	}
	all, err := l.result()
	if err == nil && o.Loaded != nil {
		err = o.Loaded(all)
	}
	return all, err
}

// attempts bounds how often a load begins anew when others pin at the same time.
const attempts = 16

// Pin is Load for programs that are to be there and run on no hook: it makes all pins of
// the load permanent, or none. When another load pins one of the maps at the same time, it
// begins anew, and reuses that map. The caller closes the result, which leaves what is
// pinned.
func Pin(ctx context.Context, obj *elf.Object, o Options) (*Loaded, error) {
	for attempt := 1; ; attempt++ {
		l, err := pinned(ctx, obj, o)
		if _, conflict := errors.AsType[*pin.ConflictError](err); !conflict || attempt == attempts {
			return l, err
		}
		time.Sleep(time.Duration(attempt) * time.Millisecond) // the other one may not be done yet
	}
}

func pinned(ctx context.Context, obj *elf.Object, o Options) (*Loaded, error) {
	l, err := Load(ctx, obj, o)
	if err != nil {
		return nil, err
	}
	if err = l.Publish(ctx); err == nil {
		err = l.Commit()
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

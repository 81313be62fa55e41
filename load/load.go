package load

import (
	"context"

	"github.com/xdpload/xdpload/elf"
)

// This file is the first half of the hot path, from an object to programs in the
// kernel, in the order in which it happens; attach/apply.go is the second. Each line is a
// step with a file of its own: loader.go, types.go, maps.go, programs.go, tailcalls.go, pins.go.

// Load has the kernel verify the selected program, and with it the programs
// that its tables of programs start with; maps that it references are created,
// or reused where they are pinned. Nothing else of the object reaches the
// kernel. The caller closes the result.
//
// Programs are verified side by side, see [Options]. When several are
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

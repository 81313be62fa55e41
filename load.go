package xdpload

import (
	"context"
	"errors"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// This file is the hot path, from an object to a program on its hook, in the
// order in which it happens. Each line is a step with a file of its own: loader.go,
// types.go, maps.go, verify.go, tailcalls.go, pins.go, and that of the hook.

// Load has the kernel verify the selected program, and with it the programs
// that its tables of programs start with; maps that it references are created,
// or reused where they are pinned. Nothing else of the object reaches the
// kernel. The caller closes the result.
//
// Programs are verified side by side, see LoadOptions.Jobs. When several are
// refused, the error is that of the first one in the order of the object; those after it
// that have not begun are left out.
func Load(ctx context.Context, obj *elf.Object, o LoadOptions) (_ *Loaded, err error) {
	if o.Ahead != nil {
		return o.Ahead, nil
	}
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

// Install loads a program of an object, publishes its pins, attaches it to the
// hook, and commits. An error leaves what was attached, every pin and every slot of a
// pinned program array as they were. When another load pins one of the maps at
// the same time, the load begins anew and reuses that map.
//
// A process that is killed leaves no pin of an unfinished load, see [pin.Txn]. If it
// is killed after the attach and before every slot of a pinned program array
// is written, the new program is attached and calls the old programs of the other
// slots: nothing undoes that but the same Install, done again.
//
// Arrays that were kept alive for a program that the hook ran before are let
// go, see [Release]. The caller closes the result.
//
// Where an idempotent hook has a program that does the same, nothing is published
// and nothing changes: see [Attachment].
func Install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hook) (*Loaded, *Attachment, error) {
	for attempt := 1; ; attempt++ {
		l, a, err := install(ctx, c, obj, o, h)
		o.Ahead = nil // it is used, or closed
		if _, raced := errors.AsType[*pin.ConflictError](err); raced && attempt < attempts {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if a.Replaced != nil {
			_ = Release(ctx, c, o.Pins.Root, *a.Replaced) // the new program runs; pin gc finds what stays
		}
		return l, a, nil
	}
}

func install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hook) (_ *Loaded, a *Attachment, err error) {
	l, err := Load(ctx, obj, o)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if a, err = l.prepare(c, h); a != nil || err != nil {
		return l, a, err
	}
	if err := l.Publish(ctx); err != nil {
		return nil, nil, err
	}
	a, err = l.attach(c, h)
	return l, a, err
}

// attach puts the program on the hook and commits. When the commit fails, the
// hook gets back what it had.
func (l *Loaded) attach(c *netlink.Conn, h Hook) (*Attachment, error) {
	before, err := l.hold(c, h)
	if err != nil {
		return nil, err
	}
	defer before.close()
	a, err := attach(c, l.Program(), h)
	if err != nil {
		return nil, err
	}
	if err := l.Commit(); err != nil {
		return nil, errors.Join(err, before.restore(c, h, a))
	}
	return a, nil
}

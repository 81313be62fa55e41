package xdpload

import (
	"context"
	"errors"
	"fmt"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// Install loads a program of an object, publishes its pins, attaches it to the
// hook, and commits. An error leaves what was attached, every pin and every slot of a
// pinned program array as they were. When another load pins one of the maps at
// the same time, the load begins anew and reuses that map.
//
// Arrays that were kept alive for a program that the hook ran before are let
// go, see [Release]. The caller closes the result.
func Install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o LoadOptions, h Hook) (*Loaded, *Attachment, error) {
	for attempt := 1; ; attempt++ {
		l, a, err := install(ctx, c, obj, o, h)
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
	if err := l.Publish(ctx); err != nil {
		return nil, nil, err
	}
	if a, err = Attach(c, l.Program(), h); err != nil {
		return nil, nil, err
	}
	if err := l.Commit(); err != nil {
		return nil, nil, fmt.Errorf("after it was attached: %w", err)
	}
	return l, a, nil
}

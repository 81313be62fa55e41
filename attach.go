package xdpload

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// Attach puts a program on a hook and returns what is there now. For a hook
// that wants a bpf_link, it pins a new one or updates the one that is pinned. p is
// nil for classic BPF.
//
// An XDP hook that is taken is an [*attach.OccupiedError], unless the hook says to
// replace. What the kernel refuses is a [*netlink.Error] or a [*attach.HookError], in an
// [*prog.UnsuitableError] where the kernel gives no reason and the reason is known. An
// error changes nothing.
func Attach(c *netlink.Conn, p *prog.Program, h attach.Hook) (*attach.Attachment, error) {
	return applyOne(context.Background(), c, Plan{Source: Open(p), Hook: h}, Options{})
}

// Detach takes the program off a hook and returns what was there. If nothing was,
// the error is fs.ErrNotExist.
func Detach(c *netlink.Conn, h attach.Hook) (*attach.Attachment, error) {
	a, err := applyOne(context.Background(), c, Plan{Hook: h}, Options{})
	if a == nil && err == nil {
		err = fmt.Errorf("no program is attached: %w", fs.ErrNotExist)
	}
	return a, err
}

// Install loads a program of an object, publishes its pins, attaches it to the
// hook, and commits: it is [Apply] of one plan. The caller closes the result.
func Install(ctx context.Context, c *netlink.Conn, obj *elf.Object, o load.Options, h attach.Hook) (*load.Loaded, *attach.Attachment, error) {
	s := &Object{Object: obj, Options: o}
	a, err := applyOne(ctx, c, Plan{Source: s, Hook: h}, Options{Root: o.Pins.Root})
	return s.Loaded(), a, err
}

// applyOne returns the one error that there is.
func applyOne(ctx context.Context, c *netlink.Conn, p Plan, o Options) (*attach.Attachment, error) {
	all, err := Apply(ctx, c, []Plan{p}, o)
	if err == nil {
		err = all[0].Err
	}
	return all[0].Attachment, err
}

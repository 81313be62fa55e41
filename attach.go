package xdpload

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/netlink"
)

// Attach carries one plan out, as [Apply] does, and returns what is there now. An
// error changes nothing:
//
//   - a hook that is taken, where the plan does not replace, is an
//     [*attach.OccupiedError], for which errors.Is(err, fs.ErrExist) holds
//   - what the kernel refuses is a [*netlink.Error] or an [*attach.HookError], in a
//     [*prog.UnsuitableError] where the kernel gives no reason and the reason is
//     known
//   - what the kernel refuses to load is a [*load.Error]
//
// The caller closes the plan's Source, if that is an [*Object].
func Attach(ctx context.Context, c *netlink.Conn, p Plan) (*attach.Attachment, error) {
	all, err := Apply(ctx, c, []Plan{p}, Options{})
	if err != nil {
		return nil, err
	}
	return all[0].Attachment, all[0].Err
}

// Detach takes the program off a hook and returns what was there. If nothing was,
// errors.Is(err, fs.ErrNotExist) holds for the error.
func Detach(ctx context.Context, c *netlink.Conn, h attach.Hook) (*attach.Attachment, error) {
	a, err := Attach(ctx, c, Plan{Hook: h})
	if a == nil && err == nil {
		err = fmt.Errorf("no program is attached: %w", fs.ErrNotExist)
	}
	return a, err
}

package attach

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// grace is how long the kernel may take to let a program go that a hook ran:
// tc frees a filter after an RCU grace period (net/sched/cls_bpf.c). It is some
// ten milliseconds; half a second was too short on an emulated, busy machine.
const grace = 2 * time.Second

// Release lets go of the program arrays that are kept alive for a program,
// after it was taken off a hook. They stay while something else runs it:
// another hook of the network namespace, a bpf_link, a pin, or a process that
// has it open. Root is the BPF file system, [pin.DefaultRoot] if empty; without one
// there is nothing to let go of.
//
// A program that is in an array of its own would live for ever: nothing but
// those hooks and pins is asked about it.
func Release(ctx context.Context, c *netlink.Conn, root string, p prog.Info) error {
	if len(p.MapIDs) == 0 {
		return nil
	}
	fs, err := pin.Open(cmp.Or(root, pin.DefaultRoot))
	if err != nil {
		return nil //nolint:nilerr // no BPF file system, so nothing is pinned there
	}
	all, err := fs.Owned()
	if err != nil {
		return err
	}
	arrays := all[p.Owner()]
	if len(arrays) == 0 {
		return nil
	}
	used, err := inUse(ctx, c, fs, p, arrays)
	if used || err != nil {
		return err
	}
	return fs.Disown(ctx, p.Owner())
}

// releaseDead lets go of the arrays of all programs that are gone by now. Who may
// not look at programs leaves that to others.
func releaseDead(root string) error {
	fs, err := pin.Open(cmp.Or(root, pin.DefaultRoot))
	if err != nil {
		return nil //nolint:nilerr // no BPF file system, so nothing is pinned there
	}
	err = fs.DisownDead()
	if errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}

func inUse(ctx context.Context, c *netlink.Conn, fs *pin.FS, p prog.Info, arrays []string) (bool, error) {
	for a, err := range Attachments(c, 0) {
		if err != nil || a.Program.ID == p.ID {
			return true, err
		}
	}
	if len(fs.Programs()[p.ID]) > 0 {
		return true, nil
	}
	if inArray(arrays, p.ID) {
		return heldByLink(p.ID), nil
	}
	return outlives(ctx, p.Owner(), grace)
}

// inArray says whether the program is an element of one of the arrays.
func inArray(arrays []string, id uint32) bool {
	for _, path := range arrays {
		m, err := ebpf.LoadPinnedMap(path, nil)
		if err != nil {
			continue
		}
		defer m.Close()
		var key, program uint32
		for entries := m.Iterate(); entries.Next(&key, &program); {
			if program == id {
				return true
			}
		}
	}
	return false
}

// outlives waits for a program to go, and says whether it did not.
func outlives(ctx context.Context, o pin.Owner, wait time.Duration) (bool, error) {
	for deadline := time.Now().Add(wait); ; {
		alive, err := o.Alive()
		if errors.Is(err, os.ErrPermission) || !alive || time.Now().After(deadline) {
			return alive, err
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// heldByLink says whether a bpf_link of any kind runs the program.
func heldByLink(id uint32) bool {
	for l, err := range sys.Links() {
		if err == nil && l.Program == id {
			return true
		}
	}
	return false
}

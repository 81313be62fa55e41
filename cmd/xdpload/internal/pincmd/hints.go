package pincmd

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// PathHints are the ways out when a path cannot be opened, or a BPF file system
// or what is pinned there does not fit.
func PathHints(x *os.PathError, line env.Line) []string {
	switch {
	case errors.Is(x, pin.ErrForeign):
		return []string{
			render.Shell("ls", "-lR", x.Path) + " shows what it is, and " + render.Shell("xdpload", "pin", "rm", "-r", x.Path) + " removes it if nobody needs it",
			"mode 700 of a BPF file system's root keeps others from making names there: mount -t bpf -o mode=700 bpf DIR, or chmod",
		}
	case errors.Is(x, pin.ErrNotBPFFS) && x.Path != pin.DefaultRoot:
		return []string{"findmnt -t bpf lists the BPF file systems; mount -t bpf -o mode=700 bpf DIR makes one, xdpload -bpffs DIR … uses it"}
	case errors.Is(x, pin.ErrNotBPFFS), errors.Is(x, os.ErrNotExist) && x.Path == pin.DefaultRoot:
		return append(subject.MountHints(x.Path, line), "or name the BPF file system: "+line.With([]string{"-bpffs", "DIR"}))
	case errors.Is(x, os.ErrExist) && !errors.Is(x, unix.ENOTEMPTY):
		return []string{render.Shell("xdpload", "pin", "rm", x.Path)}
	case !errors.Is(x, os.ErrPermission):
		return nil
	}
	if why := noPin(x); why != "" {
		return []string{why}
	}
	if x.Op == subject.OpOpenPin && errors.Is(x, unix.EPERM) {
		return nil // of the file it would be EACCES: the process may not call bpf(2)
	}
	return []string{"no access to " + x.Path + ": run it as root"}
}

// noPin says why nothing can be pinned at a path. The kernel refuses to open it
// as if a privilege were missing.
func noPin(refused *os.PathError) string {
	if refused.Op != subject.OpOpenPin {
		return ""
	}
	if _, err := pin.Open(refused.Path); errors.Is(err, pin.ErrNotBPFFS) {
		return refused.Path + " is not on a BPF file system, so nothing is pinned there"
	}
	if st, err := os.Stat(refused.Path); err == nil && st.IsDir() {
		return refused.Path + " is a directory: xdpload pin show lists what is pinned"
	}
	return ""
}

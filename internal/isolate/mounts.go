// Package isolate keeps what tests and measurements mount to themselves.
package isolate

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Mounts has what this process mounts from now on, in a mount namespace that is
// its own and not its parent's, seen nowhere else.
func Mounts() error {
	err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if errors.Is(err, unix.EINVAL) { // a chroot: its root is not a mount point
		err = unseen("/run")
	}
	if err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	return nil
}

var errSeen = errors.New("others see what is mounted in this chroot: " +
	"make its root a mount point, or enter it from a mount namespace of its own (unshare -m)")

// unseen mounts something on dir, for as long as it takes to see whether the
// parent finds it there.
func unseen(dir string) error {
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	var ours, theirs unix.Stat_t
	err := errors.Join(unix.Stat(dir, &ours), unix.Stat(fmt.Sprintf("/proc/%d/root%s", os.Getppid(), dir), &theirs))
	if err == nil && ours.Dev == theirs.Dev {
		err = errSeen
	}
	return errors.Join(err, unix.Unmount(dir, 0))
}

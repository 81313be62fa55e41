package pin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// home is the package's own directory; holding the lock on it is the right to
// change what is in it.
const home = "xdpload"

// lock is an advisory lock on the home directory. It ends with the process
// that holds it, so that a journal without a lock is one of a dead process.
type lock struct {
	fs *FS
	fd int
}

// errBusy says that another transaction runs.
var errBusy = errors.New("another load or collection is under way")

// lock waits for the lock. Without create it returns nil when there is no home
// directory, and so nobody to wait for.
func (f *FS) lock(ctx context.Context, create bool) (*lock, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		l, err := f.tryLock(create)
		if !errors.Is(err, errBusy) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// ifIdle does something under the lock if a directory is there and nobody holds
// the lock.
func (f *FS) ifIdle(dir string, do func() error) error {
	if _, err := os.Lstat(f.abs(dir)); err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	l, err := f.tryLock(false)
	if l == nil {
		return ignore(err, errBusy)
	}
	defer l.release()
	return do()
}

// tryLock is lock, but errBusy in place of waiting.
func (f *FS) tryLock(create bool) (*lock, error) {
	dir := f.abs(home)
	for {
		if create {
			if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
		}
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if errors.Is(err, fs.ErrNotExist) && !create {
			return nil, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: dir, Err: err}
		}
		held, err := holds(fd, dir)
		if held {
			return &lock{fs: f, fd: fd}, nil
		}
		_ = unix.Close(fd)
		if err != nil {
			return nil, &os.PathError{Op: "lock", Path: dir, Err: err}
		}
	}
}

// holds locks fd. It is false without an error when dir is another directory
// by now: who held the lock before has removed the one that fd stands for.
func holds(fd int, dir string) (bool, error) {
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, errBusy
	}
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var ours, theirs unix.Stat_t
	if err := unix.Fstat(fd, &ours); err != nil {
		return false, err
	}
	if err := unix.Stat(dir, &theirs); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return ours.Ino == theirs.Ino && ours.Dev == theirs.Dev, nil
}

// release removes the home directory if nothing is in it, and unlocks.
func (l *lock) release() {
	_ = unix.Rmdir(l.fs.abs(ownedDir))
	_ = unix.Rmdir(l.fs.abs(home))
	_ = unix.Close(l.fd)
}

package pin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// home is the package's own directory; holding the lock on it is the right to
// change what is in it.
const (
	home  = "xdpload"
	owned = "owned" // a directory in it
)

// lock is an advisory lock on the home directory. It ends with the process
// that holds it, so that a journal without a lock is one of a dead process.
type lock struct {
	root, home *dir
}

// Wait says how long transactions wait for the one of another process that is
// between its Publish and Commit. See [WithWait].
type Wait struct {
	Limit time.Duration    // until they give up; 10 s if 0
	Tell  func(busy error) // called when a second has passed, with who is waited for; may be nil
}

type waitKey struct{}

// WithWait has the transactions and collections under a context wait as w says.
func WithWait(ctx context.Context, w Wait) context.Context {
	return context.WithValue(ctx, waitKey{}, w)
}

const (
	defaultLimit = 10 * time.Second
	patience     = time.Second // before Tell
)

// BusyError says that another transaction or collection is under way.
type BusyError struct {
	PID int // 0 for a process that is not to be seen from here
}

// Error names the process.
func (e *BusyError) Error() string {
	switch comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", e.PID)); {
	case e.PID == os.Getpid():
		return "another load or collection is under way in this process"
	case err == nil:
		return fmt.Sprintf("another load or collection is under way: process %d (%s)", e.PID, strings.TrimSpace(string(comm)))
	}
	return "another load or collection is under way"
}

// lock waits for the lock. If this process itself holds it, it might wait for
// ever, so that is a *ConflictError. Without create
// it returns nil when there is no home directory, and so nobody to wait for.
func (f *FS) lock(ctx context.Context, create bool) (*lock, error) {
	w, _ := ctx.Value(waitKey{}).(Wait)
	if w.Limit == 0 {
		w.Limit = defaultLimit
	}
	late, told := time.After(w.Limit), time.After(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		l, err := f.tryLock(create)
		busy, ok := errors.AsType[*BusyError](err)
		switch {
		case !ok:
			return l, err
		case busy.PID == os.Getpid():
			return nil, &ConflictError{Path: f.abs(home), Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-late:
			return nil, fmt.Errorf("gave up after %v: %w", w.Limit, err)
		case <-told:
			if w.Tell != nil {
				w.Tell(err)
			}
		case <-time.After(pause):
		}
	}
}

// ifIdle does something under the lock if a directory is there and nobody holds
// the lock.
func (f *FS) ifIdle(do func(*lock) error) error {
	l, err := f.tryLock(false)
	if l == nil {
		return ignoreBusy(err)
	}
	defer l.release()
	return do(l)
}

func ignoreBusy(err error) error {
	if _, busy := errors.AsType[*BusyError](err); busy {
		return nil
	}
	return err
}

// tryLock is lock, but a *BusyError in place of waiting.
func (f *FS) tryLock(create bool) (*lock, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	l := &lock{root: root}
	if create {
		if err := root.mkdir(home); ignore(err, fs.ErrExist) != nil {
			root.close()
			return nil, &os.PathError{Op: "mkdir", Path: root.join(home), Err: err}
		}
	}
	if l.home, err = root.own(home); err == nil {
		if err = l.take(); err == nil {
			return l, nil
		}
		l.home.close()
	}
	root.close()
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case create: // removed since
		return nil, new(BusyError)
	}
	return nil, nil
}

// take locks the directory. It is fs.ErrNotExist when another one has its name
// by now, or none: who held the lock before has removed it.
func (l *lock) take() error {
	var ours unix.Stat_t
	if err := unix.Fstat(l.home.fd, &ours); err != nil {
		return &os.PathError{Op: "lock", Path: l.home.path, Err: err}
	}
	err := unix.Flock(l.home.fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return &BusyError{PID: holder(&ours)}
	}
	if err != nil {
		return &os.PathError{Op: "lock", Path: l.home.path, Err: err}
	}
	named, err := l.root.lstat(home)
	if err == nil && !sameFile(&ours, named) {
		err = fs.ErrNotExist
	}
	return err
}

// holder finds the process that has locked a file, 0 if it is not to be seen
// (proc_locks(5)).
func holder(st *unix.Stat_t) int {
	locks, _ := os.ReadFile("/proc/locks") // none if it cannot be read
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	for line := range strings.Lines(string(locks)) {
		if f := strings.Fields(line); len(f) > 5 && f[1] == "FLOCK" && f[5] == file {
			pid, _ := strconv.Atoi(f[4])
			return pid
		}
	}
	return 0
}

// release removes the home directory if nothing is in it, and unlocks.
func (l *lock) release() {
	_ = l.home.rmdir(owned)
	_ = l.root.rmdir(home)
	l.home.close()
	l.root.close()
}

package pin

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrForeign says that what has the name of the package's own directory, or of
// something in it, is not its own: another user has made it, or can write
// there. It is left alone. An *os.PathError wraps it, which has the path.
var ErrForeign = errors.New("not made by this user or root alone, so it is left alone")

var errSymlink = errors.New("a symbolic link, which is not followed")

// dir is an open directory. What is done to a name in it is done in this very
// directory, whatever others rename meanwhile, and no symbolic link of that name
// is followed. Errors are those of the calls, without a path.
type dir struct {
	fd   int
	path string // for messages
}

// open opens the file system's root. Of its path, symbolic links are followed.
func (f *FS) open() (*dir, error) {
	fd, err := unix.Open(f.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: f.root, Err: err}
	}
	return &dir{fd, f.root}, nil
}

func (d *dir) close() { _ = unix.Close(d.fd) }

func (d *dir) join(name string) string { return filepath.Join(d.path, name) }

// proc is a path for calls that take nothing else.
func (d *dir) proc(name string) string { return fmt.Sprintf("%s/%s", proc(d.fd), name) }

func proc(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// sub opens a directory in this one; mode is O_PATH or O_RDONLY.
func (d *dir) sub(name string, mode int) (*dir, error) {
	fd, err := unix.Openat(d.fd, name, mode|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		return &dir{fd, d.join(name)}, nil
	}
	if st, statErr := d.lstat(name); statErr == nil && isSymlink(st) {
		err = errSymlink
	}
	return nil, &os.PathError{Op: "open", Path: d.join(name), Err: err}
}

// walk opens a directory below, by a local path.
func (d *dir) walk(rel string) (*dir, error) {
	at, err := d.sub(".", unix.O_PATH)
	for name := range strings.SplitSeq(filepath.Clean(rel), "/") {
		if err != nil {
			return nil, err
		}
		above := at
		at, err = above.sub(name, unix.O_PATH)
		above.close()
	}
	return at, err
}

// own opens one of the package's own directories, which no other user but root
// can have made or can write, on this directory's file system.
func (d *dir) own(name string) (*dir, error) {
	sub, err := d.sub(name, unix.O_RDONLY)
	if errors.Is(err, errSymlink) || errors.Is(err, unix.ENOTDIR) {
		return nil, d.foreign(name, "no directory")
	}
	if err != nil {
		return nil, err
	}
	var here, st unix.Stat_t
	if err = errors.Join(unix.Fstat(d.fd, &here), unix.Fstat(sub.fd, &st)); err == nil {
		switch {
		case !trusted(&st):
			err = d.foreign(name, fmt.Sprintf("it belongs to user %d", st.Uid))
		case st.Mode&0o022 != 0:
			err = d.foreign(name, fmt.Sprintf("others can write there (mode %04o)", st.Mode&0o7777))
		case st.Dev != here.Dev:
			err = d.foreign(name, "it is on another file system")
		}
	}
	if err != nil {
		sub.close()
		return nil, err
	}
	return sub, nil
}

// trusted reports whether nobody but this user or root has made something.
func trusted(st *unix.Stat_t) bool { return st.Uid == 0 || int(st.Uid) == os.Geteuid() }

func (d *dir) foreign(name, why string) error {
	return &os.PathError{Op: "use", Path: d.join(name), Err: fmt.Errorf("%w: %s", ErrForeign, why)}
}

// names are those in the directory, in order, which was opened for reading.
func (d *dir) names() ([]string, error) {
	dup, err := unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: d.path, Err: err}
	}
	file := os.NewFile(uintptr(dup), d.path)
	defer file.Close()
	names, err := file.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (d *dir) lstat(name string) (*unix.Stat_t, error) {
	st := new(unix.Stat_t)
	return st, unix.Fstatat(d.fd, name, st, unix.AT_SYMLINK_NOFOLLOW)
}

func (d *dir) mkdir(name string) error  { return unix.Mkdirat(d.fd, name, dirMode) }
func (d *dir) rmdir(name string) error  { return unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR) }
func (d *dir) unlink(name string) error { return unix.Unlinkat(d.fd, name, 0) }

func (d *dir) link(name string, to *dir, as string) error {
	return unix.Linkat(d.fd, name, to.fd, as, 0)
}

func (d *dir) rename(name string, to *dir, as string, flags uint) error {
	return unix.Renameat2(d.fd, name, to.fd, as, flags)
}

func (d *dir) readlink(name string) (string, error) {
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, name, target)
	return string(target[:max(n, 0)]), err
}

// pin opens what is pinned by a name, no further than [proc] needs it.
func (d *dir) pin(name string) (*os.File, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open pin", Path: d.join(name), Err: err}
	}
	file := os.NewFile(uintptr(fd), d.join(name))
	if st, err := file.Stat(); err != nil || st.Mode().Type() == fs.ModeSymlink {
		file.Close()
		return nil, &os.PathError{Op: "open pin", Path: d.join(name), Err: cmp.Or(err, errSymlink)}
	}
	return file, nil
}

// local reports whether a path stays below the directory from which it is seen,
// and can be one of a BPF file system, which has no dots.
func local(rel string) bool { return filepath.IsLocal(rel) && !strings.Contains(rel, ".") }

// sweep removes a directory with what is in it: pins, symbolic links and empty
// directories, and nothing below those. It need not be there.
func (d *dir) sweep(name string) error { return d.remove(name, 1) }

// deepest bounds the descriptors that are open at a time, and the stack.
const deepest = 100

// remove removes what has a name, a directory with what is in it to that depth:
// one that is deeper stays if it is not empty. It need not be there.
func (d *dir) remove(name string, depth int) error {
	err := d.unlink(name)
	if errors.Is(err, unix.EISDIR) {
		if depth > 0 {
			if err := d.empty(name, depth-1); err != nil {
				return ignore(err, fs.ErrNotExist)
			}
		}
		err = d.rmdir(name)
	}
	if ignore(err, fs.ErrNotExist) != nil {
		return &os.PathError{Op: "remove", Path: d.join(name), Err: err}
	}
	return nil
}

// empty removes what is in a directory.
func (d *dir) empty(name string, depth int) error {
	sub, err := d.sub(name, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer sub.close()
	names, err := sub.names()
	for _, n := range names {
		err = errors.Join(err, sub.remove(n, depth))
	}
	return err
}

func isSymlink(st *unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFLNK }

func sameFile(a, b *unix.Stat_t) bool { return a.Dev == b.Dev && a.Ino == b.Ino }

// ignore returns err, or nil if it is one of the targets.
func ignore(err error, targets ...error) error {
	for _, target := range targets {
		if errors.Is(err, target) {
			return nil
		}
	}
	return err
}

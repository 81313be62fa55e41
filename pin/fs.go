package pin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNotBPFFS says that a directory is not on a BPF file system. [Open] wraps
// it in an *os.PathError, which has the path.
var ErrNotBPFFS = errors.New("not a BPF file system")

// DefaultRoot is where a BPF file system is mounted by custom.
const DefaultRoot = "/sys/fs/bpf"

// FS is a directory on a BPF file system, most often its root, /sys/fs/bpf.
// Its methods may be called by several goroutines at once.
type FS struct {
	root string // absolute and clean
}

// Open returns the BPF file system at root. The error is an *os.PathError;
// errors.Is tells [ErrNotBPFFS] from os.ErrNotExist.
func Open(root string) (*FS, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(abs, &st); err != nil {
		return nil, &os.PathError{Op: "open", Path: root, Err: err}
	}
	if int64(st.Type) != unix.BPF_FS_MAGIC {
		return nil, &os.PathError{Op: "open", Path: root, Err: ErrNotBPFFS}
	}
	return &FS{root: abs}, nil
}

// At returns the BPF file system that root would be, without a look at it: for
// the paths that its pins would have.
func At(root string) *FS { return &FS{root: filepath.Clean(root)} }

// Root returns the directory that was opened, as an absolute path.
func (f *FS) Root() string {
	return f.root
}

// Remove removes one pin and nothing else; the object stays as long as
// something else holds it. The error is an *os.PathError.
func (f *FS) Remove(path string) error {
	parent, name, err := f.parent(path)
	if err != nil {
		return err
	}
	defer parent.close()
	if err := parent.unlink(name); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}

// RemoveAll removes a pin, or a directory with all that is below it. No symbolic
// link is followed. It waits for a transaction that is
// under way, as long as ctx lets it, see [WithWait]. What is not there is an
// error that is os.ErrNotExist, which like all is an *os.PathError.
func (f *FS) RemoveAll(ctx context.Context, path string) error {
	l, err := f.lock(ctx, false)
	if err != nil && !errors.Is(err, ErrForeign) { // that one can be removed by this
		return err
	}
	if l != nil {
		defer l.release()
	}
	parent, name, err := f.parent(path)
	if err != nil {
		return err
	}
	defer parent.close()
	if _, err := parent.lstat(name); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return parent.remove(name, deepest)
}

// parent opens the directory of what is, or could be, pinned at a path.
func (f *FS) parent(path string) (parent *dir, name string, err error) {
	rel, err := f.rel(path)
	if err != nil {
		return nil, "", err
	}
	root, err := f.open()
	if err != nil {
		return nil, "", err
	}
	defer root.close()
	parent, err = root.walk(filepath.Dir(rel))
	return parent, filepath.Base(rel), err
}

// FileName returns the name that stands for a map or program on a BPF file
// system, where dots are not allowed: they become underscores, as in libbpf.
func FileName(name string) string {
	return strings.ReplaceAll(name, ".", "_")
}

// rel returns a path of the file system as seen from its root, or an error
// that says why nothing can be pinned there.
func (f *FS) rel(path string) (string, error) {
	rel, err := filepath.Rel(f.root, path)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return "", &os.PathError{Op: "pin", Path: path, Err: fmt.Errorf("not below the BPF file system at %s", f.root)}
	}
	if strings.Contains(rel, ".") {
		return "", &os.PathError{Op: "pin", Path: path, Err: errors.New("a name on a BPF file system cannot contain a dot")}
	}
	return f.unalias(rel), nil
}

func (f *FS) abs(rel string) string {
	return filepath.Join(f.root, rel)
}

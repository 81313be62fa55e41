package pin

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// shared is a file system on which everyone can make names, which is the kernel's
// default mode.
func shared(t *testing.T) *FS {
	t.Helper()
	f := newFS(t)
	must(t, errors.Join(os.Chmod(f.Root(), 0o777|os.ModeSticky), os.Chmod(filepath.Dir(f.Root()), 0o755)))
	return f
}

// asAnother does something with the file system's rights of another user.
func asAnother(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends
		if err := unix.Setfsuid(65534); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	must(t, <-done)
}

// TestPlanted: what another user puts in the place of the package's own directory is
// named and left alone, by loads and by the collection, and nothing outside changes.
func TestPlanted(t *testing.T) {
	for name, plant := range map[string]func(t *testing.T, f *FS, outside string) error{
		"directory": func(t *testing.T, f *FS, outside string) error {
			return errors.Join(os.MkdirAll(f.abs(home)+"/"+journalOpen, 0o755),
				os.Symlink("../../victim", f.abs(home)+"/"+journalOpen+"/000001-dir"))
		},
		"directory that is locked": func(t *testing.T, f *FS, outside string) error {
			err := os.Mkdir(f.abs(home), 0o755)
			fd, openErr := unix.Open(f.abs(home), unix.O_RDONLY|unix.O_CLOEXEC, 0)
			t.Cleanup(func() { unix.Close(fd) })
			return errors.Join(err, openErr, unix.Flock(fd, unix.LOCK_EX))
		},
		"symbolic link":            func(t *testing.T, f *FS, outside string) error { return os.Symlink(outside, f.abs(home)) },
		"symbolic link to nothing": func(t *testing.T, f *FS, outside string) error { return os.Symlink("nowhere", f.abs(home)) },
	} {
		t.Run(name, func(t *testing.T) {
			f, outside := shared(t), t.TempDir()
			must(t, errors.Join(os.Mkdir(f.abs("victim"), dirMode), os.MkdirAll(outside+"/"+journalClosed+"/data", dirMode),
				os.MkdirAll(outside+"/"+owned+"/1-x-1/data", dirMode)))
			asAnother(t, func() error { return plant(t, f, outside) })
			before := [][]string{tree(t, f.Root()), tree(t, outside)}

			_, collected := f.GC(t.Context(), GCOptions{Objects: true})
			_, begun := f.Begin()
			_, listed := f.Owned()
			for what, err := range map[string]error{
				"GC": collected, "Begin": begun, "Owned": listed,
				"Disown": f.Disown(t.Context(), Owner{1, "x", 1}), "DisownDead": f.DisownDead(),
			} {
				if path, ok := errors.AsType[*os.PathError](err); !errors.Is(err, ErrForeign) || !ok || path.Path != f.abs(home) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if diff := cmp.Diff(before, [][]string{tree(t, f.Root()), tree(t, outside)}); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}

// TestWritable: a directory of our own in which others can make names is no more ours.
func TestWritable(t *testing.T) {
	f := newFS(t)
	must(t, os.Mkdir(f.abs(home), dirMode))
	must(t, os.Chmod(f.abs(home), 0o777))
	if _, err := f.Begin(); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "0777") {
		t.Errorf("Begin: %v", err)
	}
}

// TestPlantedLate: what is planted after a transaction began.
func TestPlantedLate(t *testing.T) {
	f := shared(t)
	txn := stagePins(t, f, "m")
	asAnother(t, func() error { return os.Mkdir(f.abs(home), 0o755) })
	if err := txn.Publish(t.Context()); !errors.Is(err, ErrForeign) {
		t.Errorf("Publish: %v", err)
	}
	if _, err := os.Lstat(f.abs("m")); err == nil {
		t.Error("it is pinned all the same")
	}
}

// TestSymlinks: on the way to a pin, and in its place, they are not followed, and
// another load has not put them there in the meantime.
func TestSymlinks(t *testing.T) {
	for name, target := range map[string]string{"outside": t.TempDir(), "to nothing": "nowhere", "inside": "d"} {
		t.Run(name, func(t *testing.T) {
			f := newFS(t)
			must(t, os.Mkdir(f.abs("d"), dirMode))
			for _, link := range []string{"tc", "last"} {
				must(t, os.Symlink(target, f.abs(link)))
			}
			before := tree(t, f.Root())
			for _, path := range []string{"tc/globals/m", "last"} {
				m, err := begin(t, f).LoadMap(f.abs(path))
				if m != nil || !errors.Is(err, errSymlink) {
					t.Errorf("LoadMap of %s: %v", path, err)
				}
				err = stagePins(t, f, path).Publish(t.Context())
				if _, conflict := errors.AsType[*ConflictError](err); conflict || !errors.Is(err, errSymlink) {
					t.Errorf("Publish at %s: %v", path, err)
				}
			}
			if _, err := f.GC(t.Context(), GCOptions{Objects: true}); !errors.Is(err, errSymlink) {
				t.Errorf("GC: %v", err)
			}
			if diff := cmp.Diff(before, tree(t, f.Root())); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}

// TestAlias: iproute2's links are the tree's own, wherever they lead.
func TestAlias(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "tc/globals/m").Commit())
	must(t, os.Remove(f.abs("xdp")))
	must(t, os.Symlink("/sys/fs/bpf/tc/", f.abs("xdp")))
	m, err := begin(t, f).LoadMap(f.abs("xdp/globals/m"))
	must(t, err)
	must(t, m.Close())
	must(t, stagePins(t, f, "xdp/globals/n").Commit())
	must(t, f.Remove(f.abs("xdp/globals/m")))
	if mapID(t, f.abs("tc/globals/n")) == 0 {
		t.Errorf("pinned: %q", tree(t, f.Root()))
	}
}

// TestNoMap: what is pinned where a map should be.
func TestNoMap(t *testing.T) {
	f := newFS(t)
	txn := begin(t, f)
	must(t, txn.Pin(f.abs("p"), newProgram(t, newMap(t))))
	must(t, txn.Commit())
	must(t, os.Mkdir(f.abs("d"), dirMode))
	for name, want := range map[string]string{"p": "a program, not a map", "d": "permission denied"} {
		m, err := begin(t, f).LoadMap(f.abs(name))
		if m != (*ebpf.Map)(nil) || err == nil || err.Error() != "open pin "+f.abs(name)+": "+want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

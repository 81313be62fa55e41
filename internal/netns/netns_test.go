package netns

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// newNamespace holds a new network namespace open for the test and returns a
// path of it.
func newNamespace(t *testing.T) string {
	t.Helper()
	need.Of(t, need.Root)
	type made struct {
		f   *os.File
		err error
	}
	c := make(chan made)
	go func() {
		runtime.LockOSThread() // the thread dies with its namespace changed
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			c <- made{err: err}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		c <- made{f, err}
	}()
	m := <-c
	if m.err != nil {
		t.Fatal(m.err)
	}
	t.Cleanup(func() { m.f.Close() })
	return "/proc/self/fd/" + strconv.Itoa(int(m.f.Fd()))
}

func TestDo(t *testing.T) {
	path := newNamespace(t)
	home := inode(t, "/proc/thread-self/ns/net") // /proc/self may be the thread that was moved
	want := inode(t, path)
	if want == home {
		t.Fatal("the new namespace is the old one")
	}
	var inside uint64
	var mounts [2]uint64
	mounts[0] = inode(t, "/proc/thread-self/ns/mnt")
	errDone := errors.New("done")
	err := Do(path, func() error {
		inside = inode(t, "/proc/thread-self/ns/net")
		mounts[1] = inode(t, "/proc/thread-self/ns/mnt")
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Errorf("Do returned %v, want the function's error", err)
	}
	if inside != want {
		t.Errorf("ran in namespace %d, want %d", inside, want)
	}
	if mounts[0] != mounts[1] {
		t.Error("the mount namespace changed")
	}
	for range 50 { // threads are reused: each must be home again
		if got := inode(t, "/proc/thread-self/ns/net"); got != home {
			t.Fatalf("a thread was left in namespace %d", got)
		}
	}
}

// TestIn: a thread that is in the namespace already stays the one that runs.
func TestIn(t *testing.T) {
	f, err := os.Open(newNamespace(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := inode(t, f.Name())
	err = In(int(f.Fd()), func() error {
		outer := unix.Gettid()
		if got := inode(t, own); got != want {
			t.Errorf("ran in namespace %d, want %d", got, want)
		}
		return In(int(f.Fd()), func() error {
			if inner := unix.Gettid(); inner != outer {
				t.Errorf("ran on thread %d, want %d", inner, outer)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	if err := In(-1, func() error { t.Error("ran"); return nil }); !errors.Is(err, unix.EBADF) {
		t.Errorf("without a namespace: %v", err)
	}
}

// TestInWithoutProc: where there is no /proc, as in a small initramfs, a thread that
// is in the namespace already can stay.
func TestInWithoutProc(t *testing.T) {
	f, err := os.Open(newNamespace(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var outer, inner int
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread dies with its mounts changed
		outer = unix.Gettid()
		done <- errors.Join(
			unix.Setns(int(f.Fd()), unix.CLONE_NEWNET),
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/proc", "", unix.MS_PRIVATE, ""), // not "/", which in a chroot is no mount
			unix.Mount("tmpfs", "/proc", "tmpfs", 0, ""),
			In(int(f.Fd()), func() error { inner = unix.Gettid(); return nil }))
	}()
	if err := <-done; err != nil || inner != outer {
		t.Errorf("ran on thread %d, want %d (%v)", inner, outer, err)
	}
}

// TestGoexit: a function that ends its goroutine ends that of the caller.
func TestGoexit(t *testing.T) {
	path := newNamespace(t)
	ended := make(chan bool)
	go func() {
		defer close(ended)
		err := Do(path, func() error {
			runtime.Goexit()
			return nil
		})
		t.Errorf("Do returned %v", err)
	}()
	<-ended
}

func TestDoHere(t *testing.T) {
	called := false
	if err := Do("", func() error { called = true; return nil }); err != nil || !called {
		t.Errorf("Do(\"\") = %v, called %v", err, called)
	}
}

func TestDoProcess(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	err := Do(pid, func() error { return nil })
	if err != nil && !errors.Is(err, os.ErrPermission) {
		t.Errorf("Do(%s) = %v", pid, err)
	}
}

func TestDoUnknown(t *testing.T) {
	for _, name := range []string{"no-such-namespace", "/nonexistent/ns"} {
		err := Do(name, func() error { t.Error("ran"); return nil })
		var notFound *NotFoundError
		if !errors.As(err, &notFound) || notFound.Name != name || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Do(%q) = %v, want a NotFoundError", name, err)
		}
	}
}

package pin

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLockOfRemoved: the lock on a directory that its holder has removed is not
// that of the directory that has its name now.
func TestLockOfRemoved(t *testing.T) {
	dir := newFS(t).abs(home)
	open := func() int {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	must(t, os.Mkdir(dir, dirMode))
	early := open()
	must(t, os.Remove(dir))
	if held, err := holds(early, dir); held || err != nil {
		t.Errorf("with no directory of that name: held is %v, %v", held, err)
	}
	must(t, os.Mkdir(dir, dirMode))
	if held, err := holds(early, dir); held || err != nil {
		t.Errorf("with another of that name: held is %v, %v", held, err)
	}
	if held, err := holds(open(), dir); !held || err != nil {
		t.Errorf("of the directory itself: held is %v, %v", held, err)
	}
}

// TestLockEndsWithProcess: what a process has started, and leaves behind, does not hold
// its lock on.
func TestLockEndsWithProcess(t *testing.T) {
	l, err := newFS(t).lock(t.Context(), true)
	must(t, err)
	defer l.release()
	if flags, err := unix.FcntlInt(uintptr(l.fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("the lock's descriptor is inherited: flags %#x, %v", flags, err)
	}
}

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

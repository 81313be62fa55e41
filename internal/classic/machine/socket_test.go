package machine

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/classic"
)

// TestSocketNotInherited: what a process starts has none of its sockets.
func TestSocketNotInherited(t *testing.T) {
	program, _, err := classic.Assemble("ret #-1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSocket(program)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, fd := range []int{s.from, s.to} {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("an end of the pair is inherited: flags %#x, %v", flags, err)
		}
	}
}

package env

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// TestErrno: of two names for a number the usual one, and a number for what is not there,
// also where no call said so.
func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{unix.ENOTSUP, "EOPNOTSUPP"},
		{unix.EWOULDBLOCK, "EAGAIN"},
		{unix.EDEADLOCK, "EDEADLK"},
		{unix.Errno(524), "ENOTSUPP"},
		{fmt.Errorf("in a file: %w", &os.PathError{Op: "open", Path: "p", Err: unix.EACCES}), "EACCES"},
		{fmt.Errorf("key 7: %w", ebpf.ErrKeyNotExist), "ENOENT"},
		{&DeviceError{Name: "v*", Pattern: true, Err: os.ErrNotExist}, "ENODEV"},
		{os.ErrNotExist, "ENOENT"},
		{errors.New("words"), ""},
		{nil, ""},
	} {
		if got := Errno(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

// TestMessage: what is said of several things is one line.
func TestMessage(t *testing.T) {
	several := &ObjectError{Object: "a.o", Err: fmt.Errorf("maps: %w", errors.Join(errors.New("a"), errors.Join(errors.New("b"), errors.New("c\nd"))))}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{several, "maps: a; b; c\nd"},
		{&CommandError{Err: &LineError{Err: &LinkError{Device: "v0", Err: several}}}, "maps: a; b; c\nd"},
		{fmt.Errorf("%w of %w", os.ErrNotExist, os.ErrClosed), "file does not exist of file already closed"},
	} {
		if got := Message(tt.err); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

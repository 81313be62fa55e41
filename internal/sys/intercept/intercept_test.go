package intercept_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/internal/sys/intercept"
)

// TestBPF: the thread waits before the calls with that command alone, and has
// the kernel's answer to each.
func TestBPF(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	var waited atomic.Int32
	begun, done := make(chan *intercept.Calls), make(chan error)
	go func() {
		c, err := intercept.BPF(unix.BPF_LINK_GET_FD_BY_ID)
		begun <- c
		if err != nil {
			done <- err
			return
		}
		for i := range int32(3) {
			if _, got := sys.ProgramByID(0); !errors.Is(got, unix.ENOENT) || waited.Load() != i {
				err = fmt.Errorf("program 0: %v, after %d stops, not %d", got, waited.Load(), i) //nolint:errorlint // for the eye
			}
			if _, got := sys.LinkByID(0); !errors.Is(got, unix.ENOENT) || waited.Load() != i+1 {
				err = fmt.Errorf("link 0: %v, after %d stops, not %d", got, waited.Load(), i+1) //nolint:errorlint // for the eye
			}
		}
		done <- errors.Join(err, c.End())
	}()
	if c := <-begun; c != nil {
		for range c.All() {
			waited.Add(1)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFail: a call that is to fail is not carried out, and those behind it are.
func TestFail(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	begun, done := make(chan *intercept.Calls), make(chan error)
	go func() {
		c, err := intercept.BPF(unix.BPF_LINK_GET_FD_BY_ID)
		begun <- c
		if err != nil {
			done <- err
			return
		}
		for _, want := range []error{unix.EXFULL, unix.ENOENT} {
			if _, got := sys.LinkByID(0); !errors.Is(got, want) {
				err = errors.Join(err, fmt.Errorf("link 0: %v, want %w", got, want)) //nolint:errorlint // for the eye
			}
		}
		done <- errors.Join(err, c.End())
	}()
	if c := <-begun; c != nil {
		failed := false
		for range c.All() {
			if !failed {
				failed = true
				c.Fail(unix.EXFULL)
			}
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

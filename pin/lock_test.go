package pin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func isBusy(err error) bool {
	_, busy := errors.AsType[*BusyError](err)
	return busy
}

// TestLockOfRemoved: the lock on a directory that its holder has removed is not
// that of the directory that has its name now.
func TestLockOfRemoved(t *testing.T) {
	f := newFS(t)
	open := func() *lock {
		root, err := f.open()
		must(t, err)
		t.Cleanup(root.close)
		own, err := root.own(home)
		must(t, err)
		t.Cleanup(own.close)
		return &lock{root: root, home: own}
	}
	must(t, os.Mkdir(f.abs(home), dirMode))
	early := open()
	must(t, os.Remove(f.abs(home)))
	if err := early.take(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with no directory of that name: %v", err)
	}
	must(t, os.Mkdir(f.abs(home), dirMode))
	if err := early.take(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with another of that name: %v", err)
	}
	if err := open().take(); err != nil {
		t.Errorf("of the directory itself: %v", err)
	}
}

// TestLockEndsWithProcess: what a process has started, and leaves behind, does not hold
// its lock on.
func TestLockEndsWithProcess(t *testing.T) {
	l, err := newFS(t).lock(t.Context(), true)
	must(t, err)
	defer l.release()
	if flags, err := unix.FcntlInt(uintptr(l.home.fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("the lock's descriptor is inherited: flags %#x, %v", flags, err)
	}
}

// hold starts a process that is between Publish and Commit until done is called.
func hold(t *testing.T, f *FS) (pid int, done func()) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envHolder+"="+f.Root())
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	ready := make([]byte, len("ready"))
	if _, err := io.ReadFull(out, ready); err != nil || string(ready) != "ready" {
		t.Errorf("the holder says %q, %v", ready, err)
	}
	return cmd.Process.Pid, func() {
		in.Close()
		must(t, cmd.Wait())
	}
}

// holdUntilEOF is that process.
func holdUntilEOF(root string) {
	f, err := Open(root)
	if err == nil {
		var l *lock
		if l, err = f.lock(context.Background(), true); err == nil {
			defer l.release()
			fmt.Print("ready")
			_, err = io.Copy(io.Discard, os.Stdin)
		}
	}
	if err != nil {
		fmt.Print(err)
	}
}

// TestPublishWaits: for another process, as long as the context lets it, and says for
// which.
func TestPublishWaits(t *testing.T) {
	f := newFS(t)
	pid, done := hold(t, f)
	who := fmt.Sprintf("process %d (", pid)

	short := WithWait(t.Context(), Wait{Limit: 20 * time.Millisecond})
	if err := stagePins(t, f, "a").Publish(short); !isBusy(err) || !strings.Contains(err.Error(), who) {
		t.Errorf("gave up with %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := stagePins(t, f, "a").Publish(canceled); !errors.Is(err, context.Canceled) || !isBusy(err) {
		t.Errorf("canceled: %v", err)
	}
	told := make(chan error, 1)
	wait := WithWait(t.Context(), Wait{Limit: time.Minute, Tell: func(busy error) { told <- busy }})
	third := stagePins(t, f, "c")
	published := make(chan error)
	go func() { published <- third.Publish(wait) }()
	if err := <-told; !strings.Contains(err.Error(), who) {
		t.Errorf("waits for %v", err)
	}
	done()
	must(t, <-published)
	must(t, third.Commit())
	if diff := cmp.Diff([]string{"/c -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// TestPublishTwice: a process does not wait for itself.
func TestPublishTwice(t *testing.T) {
	f := newFS(t)
	first := stagePins(t, f, "a")
	must(t, first.Publish(t.Context()))
	err := stagePins(t, f, "b").Publish(t.Context())
	if _, conflict := errors.AsType[*ConflictError](err); !conflict || !isBusy(err) || !strings.Contains(err.Error(), "in this process") {
		t.Errorf("second Publish: %v", err)
	}
	must(t, first.Commit())
	if diff := cmp.Diff([]string{"/a -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// Package crash dies by a segmentation fault outside Go code.
package crash

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestCrash(t *testing.T) {
	t.Log("said before the crash")
	if err := syscall.Kill(os.Getpid(), syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

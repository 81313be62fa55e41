// Package kernelpanic breaks the kernel that it runs on, if that is a guest's.
package kernelpanic

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestKernelPanic(t *testing.T) {
	t.Log("said before the panic")
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(line), " xdpload.guest=1") {
		t.Fatal("only ever run this in a guest: it panics the kernel")
	}
	if err := os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

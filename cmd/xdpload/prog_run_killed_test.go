package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/pcap"
	"github.com/xdpload/xdpload/internal/testobj"
)

// A capture that is written has no name before it is whole: what ends the
// program leaves no half of it.
func TestProgRunKilled(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), self, "prog", "run", "obj", testobj.Path(t, "tiny.o"), "pcap", "-", "out", filepath.Join(dir, "out.pcap"))
	cmd.Args[0] = "xdpload"
	cmd.Env = append(os.Environ(), asProgram+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := pcap.NewWriter(in, pcap.Ethernet)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	writing := func() bool {
		fds, _ := filepath.Glob("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/fd/*")
		for _, fd := range fds {
			if file, _ := os.Readlink(fd); strings.HasPrefix(file, dir) {
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(bpftest.Patience); !writing(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no file is open for writing")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

//go:build !guest

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingBeforeMain: no package of ours allocates anything before main. Such
// work would be done at each start, whatever the command. The stack grows before
// any other package does enough to make it grow.
func TestNothingBeforeMain(t *testing.T) {
	program := filepath.Join(t.TempDir(), "xdpload")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command(program, "-Version")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, trace)
	}
	libraries, grown := 0, false
	for line := range strings.Lines(string(trace)) {
		// init PACKAGE @0.1 ms, 0.01 ms clock, 96 bytes, 2 allocs
		f := strings.Fields(line)
		if len(f) < 10 || f[0] != "init" {
			continue
		}
		grown = grown || strings.HasSuffix(f[1], "/cmd/xdpload/internal/start")
		ours := f[1] == "main" || strings.HasPrefix(f[1], "github.com/xdpload/")
		switch {
		case ours && f[9] != "0":
			t.Errorf("%s", line)
		case !grown && f[9] != "0":
			t.Errorf("before the stack has grown: %s", line)
		case !ours:
			libraries++
		}
	}
	if libraries == 0 {
		t.Errorf("no trace of initialisation:\n%s", trace)
	}
}

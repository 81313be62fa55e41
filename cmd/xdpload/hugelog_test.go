package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestHugeLog: the cause is shown of a verifier log of more than 1 MB, and
// memory stays small.
func TestHugeLog(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	const limit = 100 << 10 // KB
	cause := regexp.MustCompile(`R6 (offset is outside of the packet|min value is outside of the allowed memory range), at: return data\[x & 1\] `)
	for _, tt := range []struct {
		name     string
		words    []string
		min, max int // bytes of the message
	}{
		{"short", nil, 100, 10_000},
		{"verbose", []string{"verbose"}, 1 << 20, 64 << 20},
		{"json", []string{"verbose"}, 1 << 20, 64 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			words := append([]string{"link", "set", "v0", "xdp", "obj", testobj.Path(t, "hugelog.o")}, tt.words...)
			if tt.name == "json" {
				words = append([]string{"-json"}, words...)
			}
			cmd := exec.Command("/proc/self/exe", words...)
			cmd.Args[0] = "xdpload"
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := ns.Run(cmd); cmd.ProcessState.ExitCode() != env.StatusRefused {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			text := stderr.String()
			if first, _, _ := strings.Cut(text, "\n"); !cause.MatchString(first) {
				t.Errorf("the cause is missing: %.300s", first)
			}
			if len(text) < tt.min || len(text) > tt.max {
				t.Errorf("%d bytes", len(text))
			}
			peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
			if peak > limit {
				t.Errorf("peak memory %d KB", peak)
			}
			t.Logf("%d bytes, peak memory %d KB", len(text), peak)
		})
	}
}

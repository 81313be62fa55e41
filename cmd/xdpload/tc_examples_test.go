package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// sourceTree is what a test binary has around it, except on another machine.
var sourceTree = bpftest.Feature{Name: "the source tree", Probe: func() error {
	_, err := os.Stat("../../examples/lib.sh")
	return err
}}

// TestExampleScripts runs the scripts, which check what they show.
func TestExampleScripts(t *testing.T) {
	bpftest.Need(t, bpftest.Root, sourceTree)
	for _, c := range []string{"bash", "ip", "tc", "unshare", "awk"} {
		bpftest.Need(t, bpftest.Command(c))
	}
	dir := parityDir(t)
	for _, name := range []string{"tailcall", "marker", "shaper"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(filepath.Join("../../examples", name, "run.sh"), filepath.Join(dir, "xdpload"))
			cmd.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasSuffix(string(out), "\nok\n") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

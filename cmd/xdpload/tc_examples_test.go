package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// TestExampleScripts runs the scripts, which check what they show.
func TestExampleScripts(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
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

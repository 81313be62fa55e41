//go:build !guest

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// A history of seven commits, of which the fifth brought a program that the
// verifier refuses and the sixth cannot be built: git bisect finds the fifth.
func TestBisect(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("git"))
	script, err := filepath.Abs("../../examples/verify-commit.sh")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "xdpload")); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+bin+":"+os.Getenv("PATH"), "BUILD=test ! -e broken", "GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git("init", "-q")
	for i, object := range []string{"tiny.o", "drop.o", "count.o", "frags.o", "rejected.o", "rejected.o", "live_rejected.o"} {
		if err := os.WriteFile(filepath.Join(dir, "prog.o"), testobj.Bytes(object), 0o600); err != nil {
			t.Fatal(err)
		}
		broken := filepath.Join(dir, "broken")
		if err := os.Remove(broken); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if i == 5 {
			if err := os.WriteFile(broken, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "-m", object)
	}
	for file, want := range map[string]int{"prog.o": 1, "nosuch.o": 125} { // rejected, and not there
		cmd := exec.Command(script, file)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), asProgram+"=1", "PATH="+bin+":"+os.Getenv("PATH"))
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != want {
			t.Errorf("%s: %v, want status %d", file, err, want)
		}
	}
	want := strings.TrimSpace(git("rev-parse", "HEAD~2"))
	git("bisect", "start", "HEAD", "HEAD~6")
	if out := git("bisect", "run", script, "prog.o"); !strings.Contains(out, want+" is the first bad commit") {
		t.Errorf("want commit %s:\n%s", want, out)
	}
}

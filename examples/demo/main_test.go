package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/xdpload/xdpload/internal/need"
)

// TestDemo runs the demonstration to its end: its numbers are right, and nothing
// is left where temporary files are.
func TestDemo(t *testing.T) {
	need.Of(t, need.Root, need.Command("go"))
	scratch := t.TempDir()
	cmd := exec.Command("go", "run", ".")
	cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{
		"# foo.o had counted 0 packets; peer0 sent 1000; now it has counted 1000\n",
		", and 0 met neither\n",
	} {
		if !strings.Contains(string(said), want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	checkEmpty(t, scratch)
}

// TestInterrupted interrupts the demonstration, be it to its end by then or not.
func TestInterrupted(t *testing.T) {
	need.Of(t, need.Root, need.Command("go"))
	demo := built(t)
	for _, tt := range []struct {
		begun  string
		signal syscall.Signal
	}{
		{"# go build", syscall.SIGINT},
		{"# go build", syscall.SIGHUP},
		{"# go build", syscall.SIGQUIT},
		{"# a network namespace", syscall.SIGINT},
	} {
		t.Run(tt.begun+" "+tt.signal.String(), func(t *testing.T) {
			scratch := t.TempDir()
			cmd := exec.Command(demo)
			cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), tt.begun) {
					if err := cmd.Process.Signal(tt.signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%v, want the exit status of its own", err)
			}
			checkEmpty(t, scratch)
		})
	}
}

// TestWords gives the demonstration words that it does not take: it says which it
// does, and has made nothing.
func TestWords(t *testing.T) {
	need.Of(t, need.Command("go"))
	demo := built(t)
	for words, status := range map[string]int{"-h": 0, "-x": 2, "nowhere": 2, "main.go": 2, "/bin/true too": 2} {
		t.Run(words, func(t *testing.T) {
			cmd := exec.Command(demo, strings.Fields(words)...)
			said, err := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != status {
				t.Errorf("%v, want status %d", err, status)
			}
			if !strings.HasSuffix(string(said), "usage: demo [PATH-OF-XDPLOAD]\n") || strings.Contains(string(said), "# ") {
				t.Errorf("want nothing but the usage, and why, in\n%s", said)
			}
		})
	}
}

func TestNoTemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	if _, err := scratch(); err == nil || err.Error() != "TMPDIR: /nowhere: no such file or directory" {
		t.Errorf("%v", err)
	}
}

// built is the path of the demonstration as a program.
func built(t *testing.T) string {
	t.Helper()
	demo := filepath.Join(t.TempDir(), "demo")
	if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", demo).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return demo
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPlainUser(t *testing.T) {
	need.Of(t, need.Feature{Name: "a plain user", Probe: func() error {
		if os.Geteuid() == 0 {
			return errors.New("this is root")
		}
		return nil
	}})
	if err := demo(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "takes root") {
		t.Errorf("%v", err)
	}
}

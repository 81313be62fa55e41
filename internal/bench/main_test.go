package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// TestMain is bench itself in the process that restart starts.
func TestMain(m *testing.M) {
	if os.Getenv(isolated) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"word", []string{"attach"}, `unexpected "attach"`},
		{"rounds", []string{"-n", "0"}, "-n 0: expected 1 or more"},
		{"expression", []string{"-case", "("}, "missing closing )"},
		{"option", []string{"-x"}, "flag provided but not defined: -x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(tt.args, &stdout, &stderr); status != 1 {
				t.Errorf("status = %d, want 1", status)
			}
			if !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("stderr = %q, want %q in it", &stderr, tt.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-list", "-case", "^version$"}, &stdout, &stderr); status != 0 {
		t.Fatalf("status = %d: %s", status, &stderr)
	}
	if got, want := stdout.String(), "version        print the version\n"; got != want {
		t.Errorf("-list = %q, want %q", got, want)
	}
}

func TestMissingBinary(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-xdpload", "/nowhere/xdpload"}, &stdout, &stderr); status != 1 {
		t.Errorf("status = %d, want 1", status)
	}
	if want := "/nowhere/xdpload: no such file or directory: run make build first"; !strings.Contains(stderr.String(), want) {
		t.Errorf("stderr = %q, want %q in it", &stderr, want)
	}
}

// Each case is measured once, with what is installed, and nothing is left behind.
func TestMeasure(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("go"))
	xdpload := filepath.Join(t.TempDir(), "xdpload")
	if said, err := exec.Command("go", "build", "-C", "../..", "-buildvcs=false", "-tags=urfave_cli_no_docs,urfave_cli_no_suggest", "-o", xdpload, "./cmd/xdpload").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	var stdout, stderr bytes.Buffer
	args := []string{"-xdpload", xdpload, "-n", "1", "-json", "-case", "^(version|attach|off-calm|maps64|rejected|show)$"}
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("status = %d: %s", status, &stderr)
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) != 6 {
		t.Errorf("%d cases were measured, want 6; left out: %q", len(r.Cases), r.LeftOut)
	}
	for _, c := range r.Cases {
		for _, m := range c.Contestants {
			for metric, s := range m.Spread {
				if metric != cpu.String() && s.Min <= 0 { // the kernel may count time in ticks
					t.Errorf("%s: %s: %s = %v", c.Name, m.Tool, metric, s.Min)
				}
			}
		}
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

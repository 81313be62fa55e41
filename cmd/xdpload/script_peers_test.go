//go:build !guest

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// TestKernelPeers runs the scripts that ask ip, tc or bpftool with the newest
// of them.
func TestKernelPeers(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.UseNewestPeers(t)
	scripts, err := filepath.Glob("testdata/kernel/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	asks := regexp.MustCompile(`(?m)^need .*\b(ip|tc|bpftool)\b`)
	scripts = slices.DeleteFunc(scripts, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && !asks.Match(text)
	})
	testscript.RunT(scriptT{t}, testscript.Params{Files: scripts, Setup: setupKernel, Cmds: scriptCommands})
}

//go:build !guest

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestWords runs the scripts that any user can run on any machine.
func TestWords(t *testing.T) {
	testscript.RunT(scriptT{t}, testscript.Params{Dir: "testdata/words", Setup: setup, Cmds: scriptCommands})
}

package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/progcmd"
)

// TestJITHints knows a read-only /proc/sys, as containers have it.
func TestJITHints(t *testing.T) {
	for _, err := range []error{
		&progcmd.JITPlaceError{Err: os.ErrNotExist},
		&os.PathError{Op: "open", Path: progcmd.JITSettings[0].Path(progcmd.JITDir), Err: unix.EROFS},
	} {
		if len(cli.Hints(&env.CommandError{Command: "prog jit", Err: err})) != 1 {
			t.Errorf("%v: no way out", err)
		}
	}
}

// Command xdpload loads BPF programs from object files and attaches them to
// network devices.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
)

// version is set by the linker.
var version = "devel"

func main() {
	debug.SetGCPercent(-1) // a short life, until there is much to collect
	debug.SetMemoryLimit(gcFrom)
	growStack(len(os.Args))
	os.Exit(cli.Run(context.Background(), version, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// gcFrom is from how many bytes on garbage is collected.
const gcFrom = 32 << 20

// growStack makes room on the stack once, while there is next to nothing on it
// to be moved. Growing on demand, from 8 KiB on, doubles and copies it at each
// step, and reads the tables for that: about 20 page faults and 4 % of the CPU
// time of an attach.
//
//go:noinline
func growStack(n int) byte {
	if n < 0 { // never: the frame is what matters, and is not even cleared
		var room [20 << 10]byte
		for i := range room {
			room[i] = byte(i * n)
		}
		return room[-n%len(room)]
	}
	return 0
}

// Command xdpload loads BPF programs from object files and attaches them to
// network devices.
package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"
)

// version is set by the linker.
var version = "devel"

// The statuses with which the program ends.
const (
	statusDone    = 0
	statusWords   = 1 // the words of the command line are wrong, or a batch failed
	statusRefused = 2 // the object, the kernel or the device refused
)

func main() {
	debug.SetGCPercent(-1) // a short life, until there is much to collect
	debug.SetMemoryLimit(gcFrom)
	growStack(len(os.Args))
	os.Exit(run(context.Background(), version, os.Args, os.Stdin, os.Stdout, os.Stderr))
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

// run is the only place where an error becomes text and a status.
func run(ctx context.Context, version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{version: version, tool: toolOf(args[0]), stdin: stdin, stdout: stdout, stderr: stderr}
	defer e.close()
	words, err := e.readOptions(args[1:])
	if err == nil {
		err = e.dispatch(ctx, words)
	}
	if err != nil {
		return e.report(err)
	}
	return statusDone
}

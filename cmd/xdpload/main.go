// Command xdpload loads BPF programs from object files and attaches them to
// network devices.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	_ "github.com/xdpload/xdpload/cmd/xdpload/internal/start"
)

// version is set by the linker.
var version = "devel"

func main() {
	debug.SetGCPercent(-1) // a short life, until there is much to collect
	debug.SetMemoryLimit(gcFrom)
	os.Exit(cli.Run(context.Background(), version, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// gcFrom is from how many bytes on garbage is collected.
const gcFrom = 32 << 20

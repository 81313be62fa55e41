package cli

import (
	"context"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// Run is the only place where an error becomes text and a status.
func Run(ctx context.Context, version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env.Env{Release: version, Tool: env.ToolOf(args[0]), Stdin: stdin, Stdout: stdout, Stderr: stderr}
	defer e.Close()
	words, err := readOptions(e, args[1:])
	if err == nil {
		err = dispatch(ctx, e, words)
	}
	if err != nil {
		return report(e, err)
	}
	return env.StatusDone
}

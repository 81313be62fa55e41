package cli

import (
	"context"
	"io"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/pin"
)

// Run is the only place where an error becomes text and a status.
func Run(ctx context.Context, version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env.Env{Release: version, Tool: env.ToolOf(args[0]), Stdin: stdin, Stdout: stdout, Stderr: stderr}
	defer e.Close()
	job, err := read(e, args[1:])
	if !e.Tool.Foreign() { // ip and tc leave lines as they are
		e.Width, _, e.Terminal = env.Terminal(stdout)
	}
	ctx = pin.WithWait(ctx, pin.Wait{
		Limit: time.Duration(e.LockTimeout) * time.Second,
		Tell:  func(busy error) { e.Warn("waiting: %v", busy) },
	})
	switch {
	case err != nil:
		err = orHelp(e, err)
	case e.Batch != "":
		e.InBatch = env.NewBatch()
		err = runBatch(ctx, e)
	default:
		err = netns.Do(e.Netns, func() error { return do(ctx, e, job) })
	}
	if err != nil {
		return report(e, err)
	}
	return env.StatusDone
}

package cli

import (
	"context"
	"fmt"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

func versionCommand() env.Command {
	return env.Command{
		Name:        "version",
		Summary:     "print the version",
		Description: "Prints the program's name and its version, as -Version does.",
		Examples:    []grammar.Example{{Line: "xdpload version", Help: "for a report of a fault"}},
		New: func() (*grammar.Node, env.Request) {
			return grammar.Seq(), env.Runner(func(_ context.Context, e *env.Env) (any, error) {
				_, err := fmt.Fprintf(e.Stdout, "xdpload %s\n", e.Release)
				return nil, err
			})
		},
	}
}

package cli

import (
	"context"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

func versionCommand() env.Command {
	return env.Command{
		Name:        "version",
		Summary:     "print the version",
		Description: "Prints the program's name and its version, as -Version does.",
		Examples:    []grammar.Example{{Line: "xdpload version", Help: "for a report of a fault"}},
		New: func() (*grammar.Node, env.Request) {
			return grammar.Seq(), env.Runner(func(_ context.Context, e *env.Env) (any, error) {
				return versionReport{e.Release}, nil
			})
		},
	}
}

type versionReport struct {
	Version string `json:"version"`
}

func (r versionReport) WriteText(t *render.Text, _ render.Options) {
	t.Printf("xdpload %s\n", r.Version)
}

package main

import (
	"context"

	"github.com/xdpload/xdpload/internal/grammar"
)

// A request is what a line asks for.
type request interface {
	// run does it and returns what there is to print, nil for nothing.
	run(context.Context, *env) (any, error)
}

// runner is a request of which nothing is to be known before it runs.
type runner func(context.Context, *env) (any, error)

func (r runner) run(ctx context.Context, e *env) (any, error) { return r(ctx, e) }

// lines is what a command needs of which a batch has many lines, and whose grammar
// costs more to build than a line to read: one grammar, which fills one request
// after the other.
func lines[R any](fresh func() R, build func(*R) *grammar.Node, line func(*R) request) func() (*grammar.Node, func() request) {
	return func() (*grammar.Node, func() request) {
		filled := new(R)
		*filled = fresh()
		return build(filled), func() request {
			mine := *filled
			*filled = fresh()
			return line(&mine)
		}
	}
}

// changeReport marks what a command that changes something reports.
type changeReport interface{ Changes() }

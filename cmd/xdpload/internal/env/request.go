package env

import (
	"context"

	"github.com/xdpload/xdpload/internal/grammar"
)

// A Request is what a line asks for.
type Request interface {
	// Run does it and returns what there is to print, nil for nothing.
	Run(context.Context, *Env) (any, error)
}

// Runner is a request of which nothing is to be known before it runs.
type Runner func(context.Context, *Env) (any, error)

// Run calls r.
func (r Runner) Run(ctx context.Context, e *Env) (any, error) { return r(ctx, e) }

// New is what a command needs whose request is filled by its grammar, from the zero value on.
func New[R any, P interface {
	*R
	Request
}](build func(P) *grammar.Node) func() (*grammar.Node, Request) {
	return func() (*grammar.Node, Request) {
		r := P(new(R))
		return build(r), r
	}
}

// NewRunner is New for what is a request by one of its methods.
func NewRunner[R any](build func(*R) *grammar.Node, run func(*R, context.Context, *Env) (any, error)) func() (*grammar.Node, Request) {
	return func() (*grammar.Node, Request) {
		r := new(R)
		return build(r), Runner(func(ctx context.Context, e *Env) (any, error) { return run(r, ctx, e) })
	}
}

// Lines is New for a command of which a batch has many lines, and whose grammar
// costs more to build than a line to read: one grammar, which fills one request
// after the other.
func Lines[R any](build func(*R) *grammar.Node, line func(*R) Request) func() (*grammar.Node, func() Request) {
	return func() (*grammar.Node, func() Request) {
		filled := new(R)
		return build(filled), func() Request {
			mine := *filled
			*filled = *new(R)
			return line(&mine)
		}
	}
}

// ChangeReport marks what a command that changes something reports.
type ChangeReport interface{ Changes() }

// A Command is an entry of the table of commands: its names, its help and its grammar.
type Command = grammar.Command[Request]

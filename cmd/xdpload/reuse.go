package main

import (
	"context"

	"github.com/xdpload/xdpload/internal/grammar"
)

// reusable is the New of a command whose grammar costs more to build than its
// lines to read, and of which a batch has many: one tree serves all of them.
// The tree fills one request, which the next line empties after it was handed to
// the line that it belongs to.
func reusable[R any](fresh func() *R, build func(*R) *grammar.Node, run func(*R, context.Context, *env) (any, error)) func() (*grammar.Node, runner) {
	var root *grammar.Node
	var filled, owner *R
	settle := func() {
		if owner != nil {
			*owner = *filled
			owner = nil
		}
	}
	return func() (*grammar.Node, runner) {
		if root == nil {
			filled = new(R)
			root = build(filled)
		}
		settle()
		*filled = *fresh()
		mine := new(R)
		owner = mine
		return root, func(ctx context.Context, e *env) (any, error) {
			if owner == mine {
				settle()
			}
			return run(mine, ctx, e)
		}
	}
}

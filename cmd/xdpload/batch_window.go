package main

import (
	"bytes"
	"context"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/render"
)

// windowLength is how many lines wait for each other.
const windowLength = 64

// A window is lines of a batch that are applied together, because they add filters
// that run a program which an earlier line has loaded: all is known of them.
type window struct {
	lines   []batchLine
	changes []*change
}

// join takes a line into the window, and says whether it could.
func (w *window) join(ctx context.Context, e *env, l batchLine) bool {
	r, ok := l.job.request.(joining)
	if !ok || len(w.lines) == windowLength || !r.simple(e) {
		return false
	}
	c, err := r.prepare(ctx, e)
	if err != nil {
		return false
	}
	if len(w.changes) > 0 && w.changes[0].source.object != c.source.object {
		c.close()
		return false
	}
	w.lines, w.changes = append(w.lines, l), append(w.changes, c)
	return true
}

// flush applies the lines, and reports on each.
func (w *window) flush(ctx context.Context, e *env) (failed int, err error) {
	lines, changes := w.lines, w.changes
	w.lines, w.changes = nil, nil
	if len(lines) == 0 {
		return 0, nil
	}
	defer func() {
		for _, c := range changes {
			c.close()
		}
	}()
	all, err := e.apply(ctx, changes[0], changes[1:])
	return e.settle(ctx, lines, changes, all, err)
}

// settle writes the reports, up to the first line that failed.
func (e *env) settle(ctx context.Context, lines []batchLine, changes []*change, all []attach.Outcome, applyErr error) (failed int, err error) {
	var out bytes.Buffer
	write := func() error {
		_, err := e.stdout.Write(out.Bytes())
		out.Reset()
		return err
	}
	for i, l := range lines {
		result, err := e.concludeChange(ctx, changes[i], all[i:i+1], applyErr)
		if err == nil && !e.silent(result) {
			err = render.Write(&out, result, e.Options)
		}
		if err == nil {
			continue
		}
		if err := write(); err != nil {
			return failed, err
		}
		again, err := e.failLine(ctx, l, &commandError{Command: l.job.command, Err: err})
		if failed += again; err != nil {
			return failed, err
		}
	}
	return failed, write()
}

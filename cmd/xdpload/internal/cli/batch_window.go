package cli

import (
	"bytes"
	"context"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
)

// windowLength is how many lines wait for each other.
const windowLength = 64

// A window is lines of a batch that are applied together, because they add filters
// that run a program which an earlier line has loaded: all is known of them.
type window struct {
	lines   []batchLine
	changes []*subject.Change
}

// join takes a line into the window, and says whether it could.
func (w *window) join(ctx context.Context, e *env.Env, l batchLine) bool {
	r, ok := l.job.request.(subject.Joining)
	if !ok || len(w.lines) == windowLength || !r.Simple(e) {
		return false
	}
	c, err := r.Prepare(ctx, e)
	if err != nil {
		return false
	}
	if len(w.changes) > 0 && w.changes[0].Source.Object != c.Source.Object {
		c.Close()
		return false
	}
	w.lines, w.changes = append(w.lines, l), append(w.changes, c)
	return true
}

// flush applies the lines, and reports on each.
func (w *window) flush(ctx context.Context, e *env.Env) (failed int, err error) {
	lines, changes := w.lines, w.changes
	w.lines, w.changes = nil, nil
	if len(lines) == 0 {
		return 0, nil
	}
	defer func() {
		for _, c := range changes {
			c.Close()
		}
	}()
	all, err := subject.Apply(ctx, e, changes[0], changes[1:])
	e.PassOn()
	return settle(ctx, e, lines, changes, all, err)
}

// settle writes the reports, up to the first line that failed.
func settle(ctx context.Context, e *env.Env, lines []batchLine, changes []*subject.Change, all []attach.Outcome, applyErr error) (failed int, err error) {
	var out bytes.Buffer
	write := func() {
		tell(e, func() error {
			_, err := out.WriteTo(e.Stdout)
			return err
		})
		out.Reset()
	}
	for i, l := range lines {
		result, err := subject.ConcludeChange(ctx, e, changes[i], all[i:i+1], applyErr)
		if err == nil && !silent(e, result) {
			err = render.Write(&out, result, e.Options)
		}
		if err == nil {
			continue
		}
		write()
		again, err := failLine(ctx, e, l, &env.CommandError{Command: l.job.command.Title(), Line: l.job.line, Err: err})
		if failed += again; err != nil {
			return failed, err
		}
	}
	write()
	return failed, nil
}

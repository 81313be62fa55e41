package main

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/render"
)

// queueLength is how many lines wait for each other.
const queueLength = 64

// A queuedLine is a line of a batch of which all is known before it runs: it adds
// a filter, on a hook that an earlier line has found, that runs a program which
// an earlier line has loaded.
type queuedLine struct {
	batchLine
	xdpload.Classification
	report func(*xdpload.Attachment) any
}

// errNotQueued is what the run of a line says that is to run by itself.
var errNotQueued = errors.New("the line runs by itself")

// enqueue puts a line in the queue, and says whether it could.
func (e *env) enqueue(ctx context.Context, l batchLine) bool {
	if l.job.command != filterAdd || len(e.queue) == queueLength {
		return false
	}
	q, err := e.ask(ctx, l.job, canQueue)
	line, ok := q.(*queuedLine)
	if !ok || err != nil {
		return false
	}
	line.batchLine = l
	e.queue = append(e.queue, line)
	return true
}

// flush adds the filters of the queue with many requests in flight. A line that
// fails runs once more by itself, to say why. Without -force what came of the
// lines behind it is taken back before that, and they run again if it succeeds.
func (e *env) flush(ctx context.Context) (failed int, err error) {
	for len(e.queue) > 0 && err == nil {
		lines := e.queue
		all := make([]xdpload.Classification, len(lines))
		for i, l := range lines {
			all[i] = l.Classification
		}
		added, errs := xdpload.AttachAll(e.conn, all)
		n := slices.IndexFunc(errs, func(err error) bool { return err != nil })
		if n < 0 || e.Force {
			e.queue = nil
			return e.settle(ctx, lines, added)
		}
		e.queue = lines[n+1:]
		undone := e.takeBack(added[n+1:])
		if _, err = e.settle(ctx, lines[:n+1], added[:n+1]); err != nil || undone != nil {
			err = errors.Join(err, undone)
		}
	}
	return 0, err
}

// settle reports on lines, and runs those that failed by themselves.
func (e *env) settle(ctx context.Context, lines []*queuedLine, added []*xdpload.Attachment) (failed int, err error) {
	var out bytes.Buffer
	write := func() error {
		_, err := e.stdout.Write(out.Bytes())
		out.Reset()
		return err
	}
	for i, l := range lines {
		if added[i] == nil {
			if err := write(); err != nil {
				return failed, err
			}
			again, err := e.runLine(ctx, l.batchLine)
			if failed += again; err != nil {
				return failed, err
			}
			continue
		}
		if result := l.report(added[i]); !e.silent(result) {
			if err := render.Write(&out, result, e.Options); err != nil {
				return failed, err
			}
		}
	}
	return failed, write()
}

// takeBack deletes filters that were added behind a line that failed, the last
// one first.
func (e *env) takeBack(added []*xdpload.Attachment) (err error) {
	for _, a := range slices.Backward(added) {
		if a == nil {
			continue
		}
		f := a.Filter.Filter
		f.BPF = nil
		err = errors.Join(err, e.conn.DeleteFilter(&f))
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
)

// batchLine is a line of a batch that has been read.
type batchLine struct {
	number int
	job    job
}

// runBatch reads every line before it runs the first, so that a misspelt word
// at the end does not leave the work half done. With -force the lines that are
// wrong are named and the others run.
func (e *env) runBatch(ctx context.Context) error {
	in := e.stdin
	if e.Batch != "-" {
		f, err := os.Open(e.Batch)
		if err != nil {
			return &optionError{err: err}
		}
		defer f.Close()
		in = f
	}
	lines, failed, err := e.parseBatch(in)
	if err != nil {
		return err
	}
	err = netns.Do(e.Netns, func() error {
		more, err := e.runLines(ctx, lines)
		failed += more
		return err
	})
	if err == nil && failed > 0 {
		err = &batchError{Failed: failed}
	}
	return err
}

// runLines counts the lines that failed and were reported.
func (e *env) runLines(ctx context.Context, lines []batchLine) (failed int, err error) {
	loads := e.prefetch(ctx, lines)
	defer loads.close()
	var w window
	for i, l := range lines {
		loads.advance(i)
		if w.join(ctx, e, l) {
			continue
		}
		more, err := w.flush(ctx, e)
		if failed += more; err != nil {
			return failed, err
		}
		if w.join(ctx, e, l) {
			continue
		}
		more, err = e.runLine(ctx, l, loads)
		if failed += more; err != nil {
			return failed, err
		}
	}
	more, err := w.flush(ctx, e)
	return failed + more, err
}

// runLine returns 1 for a line that failed and was reported.
func (e *env) runLine(ctx context.Context, l batchLine, loads *prefetcher) (failed int, err error) {
	err = e.do(ctx, l.job)
	if exhausted(err) && loads.giveUp() {
		err = e.do(ctx, l.job)
	}
	if err == nil {
		return 0, nil
	}
	return e.failLine(ctx, l, err)
}

// failLine reports a line that failed, if the others are to run all the same.
func (e *env) failLine(ctx context.Context, l batchLine, err error) (failed int, _ error) {
	err = &lineError{File: e.batchName(), Line: l.number, Err: err}
	if !e.Force || ctx.Err() != nil {
		return 0, err
	}
	e.report(err)
	return 1, nil
}

func (e *env) batchName() string {
	if e.Batch == "-" {
		return "standard input"
	}
	return e.Batch
}

func (e *env) parseBatch(in io.Reader) (lines []batchLine, failed int, err error) {
	table := commands() // whose grammars the lines share
	for l, err := range grammar.Lines(in) {
		var j job
		if err == nil {
			if len(l.Words) == 0 {
				continue
			}
			j, err = e.parse(table, e.tool.words(l.Words))
		}
		if err == nil {
			lines = append(lines, batchLine{number: l.Number, job: j})
			continue
		}
		if _, ok := errors.AsType[*os.PathError](err); ok { // the file, and no line of it
			return nil, 0, &optionError{err: err}
		}
		err = &lineError{File: e.batchName(), Line: l.Number, Err: asSyntax(err)}
		if !e.Force {
			return nil, 0, err
		}
		e.report(err)
		failed++
	}
	return lines, failed, nil
}

// asSyntax refuses to print help in the middle of a batch.
func asSyntax(err error) error {
	if request, ok := errors.AsType[*grammar.HelpRequest](err); ok {
		return fmt.Errorf("%s: help is for the command line, not for a batch", request.Command)
	}
	return err
}

// batchError counts the lines that failed and were reported.
type batchError struct{ Failed int }

func (e *batchError) Error() string {
	if e.Failed == 1 {
		return "1 line failed"
	}
	return fmt.Sprintf("%d lines failed", e.Failed)
}

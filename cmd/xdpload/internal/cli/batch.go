package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
)

// batchLine is a line of a batch that has been read.
type batchLine struct {
	number int
	job    job
}

// runBatch reads every line before it runs the first, so that a misspelt word
// at the end does not leave the work half done. With -continue the lines that are
// wrong are named and the others run.
func runBatch(ctx context.Context, e *env.Env) error {
	in := e.Stdin
	if e.Batch != "-" {
		f, err := os.Open(e.Batch)
		if err != nil {
			return &env.OptionError{Err: err}
		}
		defer f.Close()
		in = f
	}
	lines, failed, err := parseBatch(e, in)
	if err == nil && failed == 0 { // what the wrong lines would take is not known
		err = useless(e, lines)
	}
	if err != nil {
		return err
	}
	signal.Ignore(unix.SIGPIPE) // the other lines run
	err = netns.Do(e.Netns, func() error {
		more, err := runLines(ctx, e, lines)
		failed += more
		if err != nil && ctx.Err() == nil {
			err = behind(err, lines)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case failed > 0:
		return &batchError{Failed: failed}
	}
	return e.InBatch.Unwritten
}

// behind adds to the ways out of a line that failed how to have those behind it run.
func behind(err error, lines []batchLine) error {
	x, ok := errors.AsType[*env.LineError](err)
	if !ok {
		return err
	}
	n := 0
	for _, l := range lines {
		if l.number > x.Line {
			n++
		}
	}
	if n == 0 {
		return err
	}
	return env.WithHints(err, append(Hints(err), subject.Count(n, "line")+" behind it did not run: -continue goes on after a line that fails")...)
}

// runLines counts the lines that failed and were reported.
func runLines(ctx context.Context, e *env.Env, lines []batchLine) (failed int, err error) {
	loads := prefetch(ctx, e, lines)
	defer loads.Close()
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
		more, err = runLine(ctx, e, l, loads)
		if failed += more; err != nil {
			return failed, err
		}
	}
	more, err := w.flush(ctx, e)
	return failed + more, err
}

// runLine returns 1 for a line that failed and was reported.
func runLine(ctx context.Context, e *env.Env, l batchLine, loads *prefetcher) (failed int, err error) {
	err = do(ctx, e, l.job)
	if exhausted(err) && loads.giveUp() {
		err = do(ctx, e, l.job)
	}
	if err == nil {
		return 0, nil
	}
	return failLine(ctx, e, l, err)
}

// failLine reports a line that failed, if the others are to run all the same.
func failLine(ctx context.Context, e *env.Env, l batchLine, err error) (failed int, _ error) {
	err = &env.LineError{File: batchName(e), Line: l.number, Err: err}
	if !e.Continue || ctx.Err() != nil {
		return 0, err
	}
	report(e, err)
	return 1, nil
}

func batchName(e *env.Env) string {
	if e.Batch == "-" {
		return "standard input"
	}
	return e.Batch
}

func parseBatch(e *env.Env, in io.Reader) (lines []batchLine, failed int, err error) {
	table := commands() // whose grammars the lines share
	all := options(&e.Globals)
	refused := grammar.Options{Known: documented(all), Name: named, Store: storing(all, func(o *option, _ string) error {
		return refusal("option -%s holds for a whole batch: it stands beside -batch, not in a line", o.names[0])
	})}
	for l, err := range grammar.Lines(in) {
		var j job
		if err == nil {
			if len(l.Words) == 0 {
				continue
			}
			options := refused
			j, err = parse(table, e.Tool.Words(l.Words), &options)
			j.line.Words = e.Tool.Words(l.Words)
			if e.BPFFS != "" {
				j.line.Options = []string{"-bpffs", e.BPFFS}
			}
		}
		if err == nil {
			lines = append(lines, batchLine{number: l.Number, job: j})
			continue
		}
		if _, ok := errors.AsType[*os.PathError](err); ok { // the file, and no line of it
			return nil, 0, &env.OptionError{Err: err}
		}
		err = &env.LineError{File: batchName(e), Line: l.Number, Err: asSyntax(err)}
		if !e.Continue {
			return nil, 0, err
		}
		report(e, err)
		failed++
	}
	return lines, failed, nil
}

// asSyntax refuses to print help in the middle of a batch.
func asSyntax(err error) error {
	if request, ok := errors.AsType[*grammar.HelpRequest](err); ok {
		return fmt.Errorf("%shelp is for the command line, not for a batch", strings.TrimPrefix(request.Command+": ", ": "))
	}
	if x, ok := errors.AsType[*grammar.SyntaxError](err); ok && x.Command == "" && x.Got == string(env.ToolXDPLoad) {
		return env.WithHints(err, "a line of a batch begins with the command: leave the program's name out")
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

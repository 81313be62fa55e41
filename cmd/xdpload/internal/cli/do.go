package cli

import (
	"cmp"
	"context"
	"errors"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// do runs a job, and prints what it returns.
func do(ctx context.Context, e *env.Env, j job) error {
	e.Line = j.line
	result, err := j.request.Run(ctx, e)
	e.PassOn()
	if err == nil && result != nil && !silent(e, result) {
		err = write(e, result)
	}
	if err != nil {
		return &env.CommandError{Command: j.command.Title(), Line: j.line, Err: err}
	}
	return nil
}

// write prints a result. Neither the status nor the lines behind it depend on whether a
// change that was made can be told. What only shows something has failed then, but ends no batch.
func write(e *env.Env, result any) error {
	if _, changed := result.(env.ChangeReport); changed {
		tell(e, func() error { return render.Write(e.Stdout, result, e.Options) })
		return nil
	}
	err := render.Write(e.Stdout, result, e.Options)
	if err != nil && e.InBatch != nil {
		e.InBatch.Unwritten = cmp.Or(e.InBatch.Unwritten, err)
		return nil
	}
	return err
}

// tell reports on changes. A reader that is gone is an error here, and no signal.
func tell(e *env.Env, report func() error) {
	signal.Ignore(unix.SIGPIPE)
	err := report()
	if err == nil || e.InBatch != nil && e.InBatch.Untold {
		return
	}
	if e.InBatch != nil {
		e.InBatch.Untold = true // the others can be told as little
	}
	e.Warn("it was done, but could not be reported: %v", err)
}

// silent reports whether a tool that prints nothing on a change is followed.
func silent(e *env.Env, result any) bool {
	_, change := result.(env.ChangeReport)
	return change && e.Tool.Foreign() && !e.Echo
}

// orHelp prints the help that a line asked for.
func orHelp(e *env.Env, err error) error {
	request, ok := errors.AsType[*grammar.HelpRequest](err)
	if !ok {
		return err
	}
	return commands().WriteHelp(e.Stdout, manual(), request, helpWidth)
}

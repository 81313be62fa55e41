package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// do runs a job, and prints what it returns.
func do(ctx context.Context, e *env.Env, j job) error {
	result, err := j.request.Run(ctx, e)
	if err == nil && result != nil && !silent(e, result) {
		err = write(e.Stdout, result, e.Options)
	}
	if err != nil {
		return &env.CommandError{Command: j.command.Title(), Line: j.line, Err: err}
	}
	return nil
}

// write prints a result. A change stays made when it cannot be told.
func write(w io.Writer, result any, o render.Options) error {
	err := render.Write(w, result, o)
	if _, changed := result.(env.ChangeReport); err != nil && changed {
		return untold(err)
	}
	return err
}

func untold(err error) error {
	return fmt.Errorf("it was done, but could not be reported: %w", err)
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

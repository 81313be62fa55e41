package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/netcmd"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
)

// dispatch runs one command line, or a batch of them, in the network namespace
// that was asked for.
func dispatch(ctx context.Context, e *env.Env, words []string) error {
	switch {
	case e.Version:
		_, err := fmt.Fprintf(e.Stdout, "xdpload %s\n", e.Release)
		return err
	case e.Batch != "" && len(words) > 0:
		return &env.OptionError{Err: fmt.Errorf("-batch and the word %q: commands are read from the file only", words[0])}
	case e.Batch != "":
		e.InBatch = env.NewBatch()
		return runBatch(ctx, e)
	case e.Help || len(words) == 0:
		return help(e)
	}
	words = e.Tool.Words(words)
	job, err := parse(e, commandsFor(words), words)
	if err != nil {
		return orHelp(e, err)
	}
	return netns.Do(e.Netns, func() error { return do(ctx, e, job) })
}

// A job is a command line that has been read.
type job struct {
	command string // "link set"
	request env.Request
}

// parse reads words, of which the commands are in the table. It opens nothing.
func parse(e *env.Env, table grammar.Table[env.Request], words []string) (job, error) {
	command, rest, err := table.Lookup(words)
	if err != nil {
		return job{}, err
	}
	if e.AllNetns && command.Title() != netcmd.ShowTitle {
		return job{}, &env.OptionError{Err: errors.New("-all-netns is for net show")}
	}
	if e.Atomic && !atomic(command.Title()) {
		return job{}, &env.OptionError{Err: errors.New("-atomic is for what changes several devices: link set, and tc filter add, change and replace")}
	}
	request, err := command.Parse(rest)
	return job{command: command.Title(), request: request}, err
}

// atomic reports whether a command changes several devices, and back.
func atomic(command string) bool {
	switch command {
	case "link set", "tc filter add", "tc filter change", "tc filter replace":
		return true
	}
	return false
}

func do(ctx context.Context, e *env.Env, j job) error {
	result, err := j.request.Run(ctx, e)
	if err == nil && result != nil && !silent(e, result) {
		err = write(e.Stdout, result, e.Options)
	}
	if err != nil {
		return &env.CommandError{Command: j.command, Err: err}
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
	return change && e.Tool.Foreign()
}

// orHelp prints the help that a line asked for.
func orHelp(e *env.Env, err error) error {
	request, ok := errors.AsType[*grammar.HelpRequest](err)
	if !ok {
		return err
	}
	return explain(e, request)
}

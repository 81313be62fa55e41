package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
)

// dispatch runs one command line, or a batch of them, in the network namespace
// that was asked for.
func (e *env) dispatch(ctx context.Context, words []string) error {
	switch {
	case e.Version:
		_, err := fmt.Fprintf(e.stdout, "xdpload %s\n", e.version)
		return err
	case e.Batch != "" && len(words) > 0:
		return &optionError{err: fmt.Errorf("-batch and the word %q: commands are read from the file only", words[0])}
	case e.Batch != "":
		e.batch = newBatch()
		return e.runBatch(ctx)
	case e.Help || len(words) == 0:
		return e.help()
	}
	words = e.tool.words(words)
	job, err := e.parse(commandsFor(words), words)
	if err != nil {
		return e.orHelp(err)
	}
	return netns.Do(e.Netns, func() error { return e.do(ctx, job) })
}

// A job is a command line that has been read.
type job struct {
	command string // "link set"
	request request
}

// parse reads words, of which the commands are in the table. It opens nothing.
func (e *env) parse(table grammar.Table[request], words []string) (job, error) {
	command, rest, err := table.Lookup(words)
	if err != nil {
		return job{}, err
	}
	if e.AllNetns && command.Title() != netShow {
		return job{}, &optionError{err: errors.New("-all-netns is for net show")}
	}
	if e.Atomic && !atomic(command.Title()) {
		return job{}, &optionError{err: errors.New("-atomic is for what changes several devices: link set, and tc filter add, change and replace")}
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

func (e *env) do(ctx context.Context, j job) error {
	result, err := j.request.run(ctx, e)
	if err == nil && result != nil && !e.silent(result) {
		err = render.Write(e.stdout, result, e.Options)
	}
	if err != nil {
		return &commandError{Command: j.command, Err: err}
	}
	return nil
}

// silent reports whether a tool that prints nothing on a change is followed.
func (e *env) silent(result any) bool {
	_, change := result.(changeReport)
	return change && e.tool.foreign()
}

// orHelp prints the help that a line asked for.
func (e *env) orHelp(err error) error {
	request, ok := errors.AsType[*grammar.HelpRequest](err)
	if !ok {
		return err
	}
	return e.explain(request)
}

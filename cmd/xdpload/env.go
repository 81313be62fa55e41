package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// env is what a command works with: the global options, the streams, and the
// netlink socket that the commands of a batch share.
type env struct {
	globals
	tool   tool
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	commands grammar.Table[runner] // of a batch, whose lines share the trees
	conn     *netlink.Conn
	found    *found // by the lines of a batch, nil without one
	queue    []*queuedLine
	ahead    *ahead        // of the lines of a batch, nil without
	slots    chan struct{} // of the verifier, for what they load at the same time
	asked    question
}

// A question is what a line shall answer instead of running.
type question uint8

const (
	notAsked  question = iota
	canQueue           // with a *queuedLine, see enqueue
	whatLoads          // with a forecast, see lookAhead
)

// errAsked keeps a line that does not know the question from running.
var errAsked = errors.New("the line was asked, and not to run")

// ask has a line answer a question. It opens nothing and changes nothing.
func (e *env) ask(ctx context.Context, j job, q question) (any, error) {
	e.asked = q
	defer func() { e.asked = notAsked }()
	return j.run(ctx, e)
}

// A runner does what a request says and returns what there is to print, nil
// for nothing.
type runner func(context.Context, *env) (any, error)

// netlink returns the socket, which is opened when it is first needed.
func (e *env) netlink() (*netlink.Conn, error) {
	if e.asked == whatLoads {
		return nil, errAsked
	}
	if e.conn == nil {
		c, err := netlink.Dial(nil)
		if err != nil {
			return nil, err
		}
		e.conn = c
	}
	return e.conn, nil
}

// link finds the device called name.
func (e *env) link(name string) (*netlink.Conn, *netlink.Link, error) {
	c, err := e.netlink()
	if err != nil {
		return nil, nil, err
	}
	l, err := c.Link(name)
	if err != nil {
		return nil, nil, &deviceError{Name: name, Err: err}
	}
	return c, l, nil
}

func (e *env) close() {
	e.ahead.close()
	e.found.close()
	if e.conn != nil {
		e.conn.Close()
	}
}

// dispatch runs one command line, or a batch of them, in the network namespace
// that was asked for.
func (e *env) dispatch(ctx context.Context, words []string) error {
	switch {
	case e.Version:
		_, err := fmt.Fprintf(e.stdout, "xdpload %s\n", version)
		return err
	case e.Batch != "" && len(words) > 0:
		return &optionError{fmt.Errorf("-batch and the word %q: commands are read from the file only", words[0])}
	case e.Batch != "":
		e.commands, e.found = commands(), newFound()
		return e.runBatch(ctx)
	case e.Help || len(words) == 0:
		return e.help()
	}
	job, err := e.parse(words)
	if err != nil {
		return e.orHelp(err)
	}
	return netns.Do(e.Netns, func() error { return e.do(ctx, job) })
}

// A job is a command line that has been read.
type job struct {
	command string // "link set"
	run     runner
}

// parse reads words. It opens nothing.
func (e *env) parse(words []string) (job, error) {
	if e.tool == toolTC {
		words = append([]string{"tc"}, words...)
	}
	table := e.commands
	if table == nil {
		table = commandsFor(words)
	}
	command, rest, err := table.Lookup(words)
	if err != nil {
		return job{}, err
	}
	if e.AllNetns && command.Title() != netShow {
		return job{}, &optionError{errors.New("-all-netns is for net show")}
	}
	if e.Atomic && !atomic(command.Title()) {
		return job{}, &optionError{errors.New("-atomic is for what changes several devices: link set, and tc filter add, change and replace")}
	}
	run, err := command.Parse(rest)
	return job{command: command.Title(), run: run}, err
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
	result, err := j.run(ctx, e)
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

// changeReport marks what a command that changes something reports.
type changeReport interface{ change() }

// orHelp prints the help that a line asked for.
func (e *env) orHelp(err error) error {
	request, ok := errors.AsType[*grammar.HelpRequest](err)
	if !ok {
		return err
	}
	return e.explain(request)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xdpload/xdpload"
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

	commands  grammar.Table[request] // of a batch, whose lines share the trees
	conn      *netlink.Conn
	inventory *xdpload.Inventory
	batch     *batch       // nil without one
	jobs      xdpload.Jobs // for all that is loaded, nil for the default
}

// A batch is what its lines need not look for again.
type batch struct {
	devices map[string]int // indexes
	sources map[shareKey]*source
	loads   *prefetcher // nil without
	window  window
}

func newBatch() *batch {
	return &batch{devices: make(map[string]int), sources: make(map[shareKey]*source)}
}

// close gives the descriptors back.
func (b *batch) close() {
	b.loads.close()
	for _, s := range b.sources {
		_ = s.object.Close() // descriptors of ours only
	}
}

// netlink returns the socket, which is opened when it is first needed.
func (e *env) netlink() (*netlink.Conn, error) {
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

// known is what was looked up already.
func (e *env) known() *xdpload.Inventory {
	if e.inventory == nil {
		e.inventory = new(xdpload.Inventory)
	}
	return e.inventory
}

// verifierJobs bounds what is verified at a time, nil for the default.
func (e *env) verifierJobs() xdpload.Jobs {
	if e.jobs == nil && e.Jobs != 0 {
		e.jobs = xdpload.NewJobs(e.Jobs)
	}
	return e.jobs
}

// device finds the index of a device.
func (e *env) device(name string) (*netlink.Conn, int, error) {
	if e.batch != nil {
		if ifindex, ok := e.batch.devices[name]; ok {
			conn, err := e.netlink()
			return conn, ifindex, err
		}
	}
	conn, l, err := e.link(name)
	if err != nil {
		return nil, 0, err
	}
	if e.batch != nil {
		e.batch.devices[name] = l.Index
	}
	return conn, l.Index, nil
}

func (e *env) close() {
	if e.batch != nil {
		e.batch.close()
	}
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
		e.commands, e.batch = commands(), newBatch()
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
	request request
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

package mapcmd

import (
	"context"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/render"
)

// Push is the command map push, which adds a value to a queue, stack or Bloom filter.
func Push() env.Command {
	return env.Command{
		Name:        "map push|enqueue",
		Summary:     "add a value to a queue, a stack or a Bloom filter",
		Description: `Adds a value; what is left out of it is zero. A queue or stack that is full refuses it.`,
		Examples: []grammar.Example{
			{Line: "xdpload map push name todo value 0x07000000", Help: "bytes for a program to take: the kernel keeps no types of these maps"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return grammar.Seq(r.Map.Grammar(), grammar.Alt(r.value(), grammar.Seq(r.member())))
		}, (*entryRequest).push),
	}
}

func (r *entryRequest) push(_ context.Context, e *env.Env) (any, error) {
	return nil, r.with(e, func(d *mapdata.Map) error { return d.Push(r.Changes...) })
}

// Pop is the command map pop, which takes the next value of a queue or stack.
func Pop() env.Command {
	return env.Command{
		Name:        "map pop|dequeue",
		Summary:     "take the next value of a queue or stack",
		Description: `Prints the value, which is then no longer in the map.`,
		Examples: []grammar.Example{
			{Line: "xdpload -json map pop name todo", Help: "the oldest value of a queue, the newest of a stack"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return r.Map.Grammar()
		}, (*entryRequest).pop),
	}
}

func (r *entryRequest) pop(_ context.Context, e *env.Env) (any, error) {
	return r.report(e, (*mapdata.Map).Pop)
}

// Peek is the command map peek, which prints the next value of a queue or stack.
func Peek() env.Command {
	return env.Command{
		Name:        "map peek",
		Summary:     "print the next value of a queue or stack, or ask a Bloom filter for one",
		Description: `Prints the value that map pop would take, and leaves it there. A Bloom filter is asked whether the value may be in it: the status is 2 if it is not.`,
		Examples: []grammar.Example{
			{Line: "xdpload map peek name seen value 192.0.2.1", Help: "whether an address may be in a Bloom filter"},
		},
		New: env.NewRunner(func(r *entryRequest) *grammar.Node {
			return grammar.Seq(r.Map.Grammar(), grammar.Opt(r.value()))
		}, (*entryRequest).peek),
	}
}

func (r *entryRequest) peek(_ context.Context, e *env.Env) (any, error) {
	if len(r.Changes) == 0 {
		return r.report(e, (*mapdata.Map).Peek)
	}
	return r.report(e, func(d *mapdata.Map) (mapdata.Value, error) { return d.Has(r.Changes...) })
}

// report prints the value that read finds.
func (r *entryRequest) report(e *env.Env, read func(*mapdata.Map) (mapdata.Value, error)) (any, error) {
	var found *valueReport
	err := r.with(e, func(d *mapdata.Map) error {
		value, err := read(d)
		found = &valueReport{value}
		return err
	})
	return found, err
}

// valueReport is one value without a key.
type valueReport struct{ mapdata.Value }

// WriteText prints the value on a line.
func (r *valueReport) WriteText(t *render.Text, _ render.Options) {
	t.AsIs()
	t.Write(r.AppendText(nil))
}

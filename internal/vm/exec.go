package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
)

// execCommand is "vm exec", for go test -exec: one test binary, one boot.
func execCommand(ctx context.Context, e *env, args []string) error {
	var o kernelOptions
	flags := flag.NewFlagSet("vm exec", flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	o.register(flags, "6.12")
	if err := o.parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no test binary given")
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	t, k, err := o.one(ctx, e)
	if err != nil {
		return err
	}
	j := newJob(flags.Args(), os.Environ(), dir)
	j.Package = importPath(dir)
	var end result
	b := &bookkeeper{jobs: []job{j}, note: noteTo(e), report: func(r result) { end = r }}
	if err := runJobs(ctx, t, k, b); err != nil {
		return err
	}
	if _, err := e.stdout.Write(end.output); err != nil {
		return err
	}
	if end.reason != "" {
		fmt.Fprintf(e.stderr, "vm: kernel %s: %s\n", k.name, end.reason)
	}
	if err := end.write(); err != nil || end.code == 0 {
		return err
	}
	return exitStatus(end.code)
}

// noteTo writes notes for a person.
func noteTo(e *env) func(line string) {
	return func(line string) { fmt.Fprintln(e.stderr, "vm:", line) }
}

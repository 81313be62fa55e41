// Bench compares what xdpload takes with what other programs take for the same
// work: time, memory, page faults and system calls.
//
//	bench [-xdpload FILE] [-case REGEXP] [-n ROUNDS] [-time DURATION] [-json] [-list]
//
// Every case runs xdpload and its peers in turn, each once a round, and reports
// medians and the median of the ratios within a round, so that what else the
// machine does meets all alike. A time is never an error. See docs/performance.md.
//
// It works in namespaces of its own and leaves nothing behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are the words of the command line.
type options struct {
	xdpload string
	only    *regexp.Regexp
	rounds  int           // at most, for a case
	budget  time.Duration // for the rounds of a case
	json    bool
	list    bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.xdpload, "xdpload", "bin/xdpload", "the `file` to measure")
	only := flags.String("case", "", "run the cases whose name matches the `regexp`")
	flags.IntVar(&o.rounds, "n", 100, "run each case at most so many `rounds`")
	flags.DurationVar(&o.budget, "time", 6*time.Second, "start no round of a case after so `long`")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.BoolVar(&o.list, "list", false, "list the cases")
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected %q, expected options only", flags.Arg(0))
	}
	if err == nil {
		o.only, err = regexp.Compile(*only)
	}
	if err == nil && o.rounds < 1 {
		err = fmt.Errorf("-n %d: expected 1 or more", o.rounds)
	}
	return o, err
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o, args, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// bench runs twice: the outer process makes a directory and the namespaces for
// the inner one, which measures.
func bench(ctx context.Context, o options, args []string, stdout, stderr io.Writer) error {
	if o.list {
		return listCases(stdout, o)
	}
	dir := os.Getenv(isolated)
	if dir == "" {
		return isolate(ctx, args, stdout, stderr)
	}
	if err := mounts(); err != nil {
		return err
	}
	lab, err := newLab(ctx, o, dir, stderr)
	if err != nil {
		return err
	}
	report := lab.measure(cases())
	if o.json {
		return report.writeJSON(stdout)
	}
	return report.writeText(stdout)
}

func listCases(w io.Writer, o options) error {
	for _, c := range cases() {
		if !o.only.MatchString(c.name) {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-14s %s\n", c.name, c.about); err != nil {
			return err
		}
	}
	return nil
}

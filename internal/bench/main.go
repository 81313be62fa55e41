// Bench compares what xdpload takes with what other programs take for the same
// work: time, memory, page faults and system calls.
//
//	go -C internal/bench run . [-xdpload FILE] [-case REGEXP] [-n ROUNDS] [-time DURATION] [-json] [-list]
//
// Every case runs xdpload and its peers in turn, each once a round, and reports
// medians and the median of the ratios within a round, so that what else the
// machine does meets all alike. A time is never an error. See docs/performance.md.
//
// It works in namespaces of its own and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
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

// errHelp ends a run that was only asked what it can do.
var errHelp = errors.New("help was asked for")

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	err := errHelp // what stays when the action is not reached
	app := &cli.App{
		Name:            "bench",
		Usage:           "compare what xdpload takes with what other programs take for the same work",
		HideHelpCommand: true,
		Writer:          stderr,
		ErrWriter:       stderr,
		ExitErrHandler:  func(*cli.Context, error) {},
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "xdpload", Value: "../../bin/xdpload", Destination: &o.xdpload, Usage: "the `file` to measure"},
			&cli.StringFlag{Name: "case", Usage: "run the cases whose name matches the `regexp`"},
			&cli.IntFlag{Name: "n", Value: 100, Destination: &o.rounds, Usage: "run each case at most so many `rounds`"},
			&cli.DurationFlag{Name: "time", Value: 6 * time.Second, Destination: &o.budget, Usage: "start no round of a case after so `long`"},
			&cli.BoolFlag{Name: "json", Destination: &o.json, Usage: "print JSON"},
			&cli.BoolFlag{Name: "list", Destination: &o.list, Usage: "list the cases"},
		},
		Action: func(c *cli.Context) error {
			err = o.check(c)
			return err
		},
	}
	if failed := app.Run(append([]string{"bench"}, args...)); failed != nil {
		err = failed
	}
	return o, err
}

func (o *options) check(c *cli.Context) (err error) {
	switch {
	case c.NArg() > 0:
		return fmt.Errorf("unexpected %q, expected options only", c.Args().First())
	case o.rounds < 1:
		return fmt.Errorf("-n %d: expected 1 or more", o.rounds)
	}
	o.only, err = regexp.Compile(c.String("case"))
	return err
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, errHelp) {
		return 0
	}
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
		return restart(ctx, args, stdout, stderr)
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

package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xdpload/xdpload/internal/render"
)

// globals are the options before the first word.
type globals struct {
	render.Options
	Netns   string
	Force   bool
	Batch   string
	Version bool
	Help    bool
}

// An option is one row of the table of global options.
type option struct {
	name     string
	argument string
	help     string
	set      func(*globals) any // *bool or *string
}

// Where a short form fits several rows, the first is meant: -b is batch, and
// -br brief.
func options() []option {
	return []option{
		{"json", "", "print JSON", func(g *globals) any { return &g.JSON }},
		{"pretty", "", "indent the JSON", func(g *globals) any { return &g.Pretty }},
		{"details", "", "print more of each thing", func(g *globals) any { return &g.Details }},
		{"statistics", "", "print counters", func(g *globals) any { return &g.Statistics }},
		{"batch", "FILE", "run the commands in FILE, one a line; - is standard input", func(g *globals) any { return &g.Batch }},
		{"brief", "", "print one line for each thing", func(g *globals) any { return &g.Brief }},
		{"netns", "NAME", "work in the network namespace NAME, a path or a process id; pins stay where they are", func(g *globals) any { return &g.Netns }},
		{"force", "", "replace what is attached; go on after a batch line that fails", func(g *globals) any { return &g.Force }},
		{"Version", "", "print the version", func(g *globals) any { return &g.Version }},
		{"help", "", "print help", func(g *globals) any { return &g.Help }},
	}
}

// app reads the global options and hands every other word to dispatch as it
// is. Nothing in it prints or exits.
func (e *env) app() *cli.App {
	app := &cli.App{
		Name:            string(e.tool),
		HideHelp:        true,
		HideHelpCommand: true,
		HideVersion:     true,
		Compiled:        time.Unix(0, 0), // or it asks the file system when the program was built
		Writer:          e.stdout,
		ErrWriter:       e.stderr,
		ExitErrHandler:  func(*cli.Context, error) {},
		OnUsageError:    func(_ *cli.Context, err error, _ bool) error { return &optionError{err} },
		Action: func(c *cli.Context) error {
			return e.dispatch(c.Context, c.Args().Slice())
		},
	}
	for _, o := range options() {
		switch p := o.set(&e.globals).(type) {
		case *bool:
			app.Flags = append(app.Flags, &cli.BoolFlag{Name: o.name, Destination: p})
		case *string:
			app.Flags = append(app.Flags, &cli.StringFlag{Name: o.name, Destination: p})
		}
	}
	return app
}

// optionError is a global option that cannot be.
type optionError struct{ err error }

func (e *optionError) Error() string {
	var name string
	if _, err := fmt.Sscanf(e.err.Error(), "flag provided but not defined: %s", &name); err == nil {
		return "unknown option " + name
	}
	return e.err.Error()
}

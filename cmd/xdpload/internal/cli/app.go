package cli

import (
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// A job is a command line that has been read.
type job struct {
	command *env.Command
	line    env.Line
	request env.Request
}

// read reads a line, and opens nothing: it returns the job, none if there is a batch
// to run. The application has the options and a command for each group; the words
// of a group are for its grammar, which knows the options that stand among them.
func read(e *env.Env, line []string) (j job, err error) {
	if e.Tool == env.ToolIP && slices.Contains(line, "-f") { // to ip, -f is -family
		return j, refusal("unknown option -f")
	}
	var leading []string
	all := options(&e.Globals)
	among := &grammar.Options{Known: documented(all), Name: named, Store: storing(all, func(o *option, value string) error {
		leading = append(leading, "--"+o.names[0]+"="+value)
		return nil
	})}
	words, refused := among.Leading(line)
	if len(words) > 0 {
		words = e.Tool.Words(words)
	}
	act := func(commands func() table) cli.ActionFunc {
		return func(c *cli.Context) (err error) {
			if refused != nil {
				return refused
			}
			among.Store = storing(all, func(o *option, value string) error {
				_ = c.Set(o.names[0], value) // which takes any
				return o.RunAction(c)
			})
			j, err = readWords(e, among, commands, words)
			return err
		}
	}
	cli.HelpFlag = nil // it would be looked for, by a regular expression
	app := &cli.App{
		Name:           "xdpload",
		HideHelp:       true,
		Compiled:       time.Unix(0, 0), // known, so no file is asked
		Action:         act(commands),
		ExitErrHandler: func(*cli.Context, error) {}, // Run reports
	}
	for _, o := range all {
		app.Flags = append(app.Flags, o)
	}
	for _, g := range groups() {
		if len(words) > 0 && g.word == words[0] { // no other would be entered
			app.Commands = []*cli.Command{{Name: g.word, SkipFlagParsing: true, HideHelp: true, Action: act(g.commands)}}
		}
	}
	given := env.Line{Options: line[:len(line)-min(len(line), len(words))], Words: words}
	err = app.Run(slices.Concat([]string{app.Name}, leading, []string{"--"}, words))
	for _, o := range all {
		if o.given {
			e.Given = append(e.Given, o.names[0])
		}
	}
	if err == nil && j.request != nil {
		err = useless(e, []batchLine{{job: j}})
	}
	j.line = given
	return j, err
}

// readWords reads the words of a line, unless its options leave nothing to them. Those
// may stand before the words, and among them.
func readWords(e *env.Env, options *grammar.Options, group func() table, words []string) (j job, err error) {
	if len(words) > 0 && !e.Version && e.Batch == "" && !e.Help {
		if j, err = parse(group(), words, options); err != nil {
			options.Rest(words)
			return j, err
		}
	}
	switch {
	case e.Version:
		e.Netns = "" // which this needs none of
		version := versionCommand()
		_, request := version.New()
		return job{command: &version, request: request}, nil
	case e.Batch != "" && len(words) > 0:
		return j, refusal("-batch and the word %q: commands are read from the file only", words[0])
	case e.Batch == "" && (e.Help || len(words) == 0):
		_, _, err = commands().Lookup([]string{"help"}, nil)
	}
	return j, err
}

// parse reads words, of which the commands are in the table. It opens nothing.
func parse(t table, words []string, options *grammar.Options) (job, error) {
	command, rest, err := t.Lookup(words, options)
	if err != nil {
		return job{}, meant(err)
	}
	request, err := command.Parse(rest, options)
	return job{command: command, request: request}, err
}

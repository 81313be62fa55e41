package cli

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// An option is one row of the table of global options: a flag of the application,
// and its value. The library's own flags match a regular expression for each name,
// many times at each start.
type option struct {
	names    []string // the main one first
	argument string
	kind     grammar.Kind // of what the argument names
	help     string
	exact    bool   // it may not be shortened
	use      string // of [grammar.Option]
	batch    bool   // it is for a batch, whatever its lines are
	field    any    // *bool, several of them, *string, or *int, a positive number
	value    string
	given    bool
}

// maxNumber is more threads than a process may well have, and more seconds than
// anybody waits; more would be a slip.
const maxNumber = 1024

// options store in g. Where a short form fits several rows, the first is meant: -b
// is batch, and -br brief.
func options(g *env.Globals) []*option {
	is := func(names string, field any, help string) *option {
		return &option{names: strings.Fields(names), help: help, field: field}
	}
	has := func(name, argument string, kind grammar.Kind, field any, help string) *option {
		return &option{names: []string{name}, argument: argument, kind: kind, help: help, field: field}
	}
	some := func(o *option) *option { // some commands take it
		o.use = o.names[0]
		return o
	}
	force := is("force", []*bool{&g.Replace, &g.Continue}, "replace what is there, and go on after a batch line that fails")
	replace := some(is("replace", &g.Replace, "replace what is there: a program on a hook, a bpf_link that is pinned, a file"))
	goOn := some(is("continue", &g.Continue, "go on after a batch line that fails"))
	replace.exact, goOn.exact = true, true // to ip, -r and -c are others
	force.use, force.batch, goOn.batch = replace.use, true, true
	return []*option{
		is("json", &g.JSON, "print JSON"),
		is("pretty", &g.Pretty, "indent the JSON of -json"),
		some(is("details", &g.Details, "print more of each thing")),
		some(is("statistics", &g.Statistics, "print counters")),
		has("batch", "FILE", grammar.File, &g.Batch, "run the commands in FILE, one a line; - is standard input"),
		some(is("brief", &g.Brief, "print one line for each thing")),
		has("bpffs", "DIR", "", &g.BPFFS, "use the BPF file system at DIR, not at $TC_BPF_MNT or /sys/fs/bpf"),
		has("netns", "NAME", grammar.Netns, &g.Netns, "work in the network namespace NAME, a path or a process id; pins stay where they are"),
		force, replace, goOn,
		some(is("idempotent", &g.Idempotent, "change nothing where a program with the same instructions and maps is already attached, or the qdisc is there")),
		some(is("all-netns", &g.AllNetns, "every network namespace")),
		some(is("atomic", &g.Atomic, "several devices: when one refuses, or on ^C, every device is as it was before; of a batch those of one line, and lines before it stay done")),
		has("jobs", "N", "", &g.Jobs, "have the kernel verify up to N programs at a time, each on a thread of its own, in a batch those of the next lines too; the default is the number of processors, and 1 verifies one after the other"),
		has("lock-timeout", "S", "", &g.LockTimeout, "give up after S seconds of waiting for another process that is about to pin something; the default is 10"),
		some(is("echo", &g.Echo, "print the filter that was set, as tc monitor does")),
		is("Version version v", &g.Version, "print the version"),
		is("help", &g.Help, "print help"),
	}
}

// documented is the table as the documents and the look-up of short forms want it.
func documented(table []*option) []grammar.Option {
	out := make([]grammar.Option, len(table))
	for i, o := range table {
		out[i] = grammar.Option{Names: o.names, Arg: o.argument, Kind: o.kind, Help: o.help, Exact: o.exact, Use: o.use}
	}
	return out
}

// useless refuses an option of the line that none of its commands, or no other option, has a
// use for. ip and tc let it pass.
func useless(e *env.Env, lines []batchLine) error {
	if len(e.Given) == 0 || len(lines) == 0 || e.Version || e.Tool.Foreign() {
		return nil
	}
	if e.Pretty && !e.JSON {
		return refusal("-pretty is for -json")
	}
	all := options(new(env.Globals))
	for i, known := range documented(all) {
		takes := func(l batchLine) bool { return l.job.command.Takes(known) }
		if slices.Contains(e.Given, known.Names[0]) && !(all[i].batch && e.Batch != "") && !slices.ContainsFunc(lines, takes) {
			return refusal("-%s is for %s", known.Names[0], takers(known))
		}
	}
	return nil
}

// takers names the commands that take an option; what none takes is for a batch.
func takers(o grammar.Option) string {
	var titles []string
	all := commands()
	for i := range all {
		if all[i].Takes(o) {
			titles = append(titles, all[i].Title())
		}
	}
	return cmp.Or(strings.Join(titles, ", "), "a batch")
}

// storing is how the options that a line has come to store.
func storing(all []*option, store func(o *option, value string) error) func(int, string, bool) error {
	return func(i int, value string, given bool) error {
		switch {
		case i < 0:
			return refusal("unknown option %s", value)
		case !given:
			return refusal("option -%s wants %s", all[i].names[0], all[i].argument)
		}
		if all[i].given && all[i].argument != "" {
			return refusal("option -%s given twice", all[i].names[0])
		}
		all[i].given = true
		if all[i].kind != "" {
			value = named(all[i].kind, value)
		}
		return store(all[i], value)
	}
}

// Names is the main one: a reader knows the others, and writes this.
func (o *option) Names() []string { return o.names[:1] }

// Apply makes the option known.
func (o *option) Apply(set *flag.FlagSet) error {
	set.Var(o, o.names[0], o.help)
	return nil
}

// IsSet tells of variables of the environment, of which options have none.
func (o *option) IsSet() bool { return false }

func (o *option) String() string { return "" }

// Set takes any value: what package flag says of a wrong one is not what we say.
func (o *option) Set(value string) error {
	o.value = value
	return nil
}

// RunAction stores the value; a switch may be given as -json=false.
func (o *option) RunAction(*cli.Context) (err error) {
	switch p := o.field.(type) {
	case *string:
		if *p = o.value; *p == "" {
			return refusal("option -%s wants %s, not an empty word", o.names[0], o.argument)
		}
	case *int:
		if *p, err = grammar.ParseNumber(o.value, 1, maxNumber); err != nil {
			return refusal("option -%s wants a number from 1 to %d, not %q", o.names[0], maxNumber, o.value)
		}
	case *bool:
		return o.turn(p)
	case []*bool:
		return o.turn(p...)
	}
	return nil
}

func (o *option) turn(switches ...*bool) error {
	on, err := strconv.ParseBool(o.value)
	if err != nil {
		return refusal("option -%s is a switch, not %q", o.names[0], o.value)
	}
	for _, s := range switches {
		*s = on
	}
	return nil
}

func refusal(format string, args ...any) error {
	return &env.OptionError{Err: fmt.Errorf(format, args...)}
}

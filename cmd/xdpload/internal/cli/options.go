package cli

import (
	"flag"
	"fmt"
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
	field    any // *bool, *string or *int, a positive number
	value    string
}

// maxNumber is more threads than a process may well have, and more seconds than
// anybody waits; more would be a slip.
const maxNumber = 1024

// options store in g. Where a short form fits several rows, the first is meant: -b
// is batch, and -br brief.
func options(g *env.Globals) []*option {
	is := func(names string, field *bool, help string) *option {
		return &option{names: strings.Fields(names), help: help, field: field}
	}
	has := func(name, argument string, kind grammar.Kind, field any, help string) *option {
		return &option{names: []string{name}, argument: argument, kind: kind, help: help, field: field}
	}
	return []*option{
		is("json", &g.JSON, "print JSON"),
		is("pretty", &g.Pretty, "indent the JSON"),
		is("details", &g.Details, "print more of each thing"),
		is("statistics", &g.Statistics, "print counters"),
		has("batch", "FILE", grammar.File, &g.Batch, "run the commands in FILE, one a line; - is standard input"),
		is("brief", &g.Brief, "print one line for each thing"),
		has("bpffs", "DIR", "", &g.BPFFS, "use the BPF file system at DIR, not at $TC_BPF_MNT or /sys/fs/bpf"),
		has("netns", "NAME", grammar.Netns, &g.Netns, "work in the network namespace NAME, a path or a process id; pins stay where they are"),
		is("force", &g.Force, "replace what is attached; go on after a batch line that fails"),
		is("idempotent", &g.Idempotent, "change nothing where a program with the same instructions and maps is already attached"),
		is("all-netns", &g.AllNetns, "net show: every network namespace"),
		is("atomic", &g.Atomic, "several devices: when one refuses, or on ^C, every device is as it was before"),
		has("jobs", "N", "", &g.Jobs, "have the kernel verify up to N programs at a time, each on a thread of its own, in a batch those of the next lines too; the default is the number of processors, and 1 verifies one after the other"),
		has("lock-timeout", "S", "", &g.LockTimeout, "give up after S seconds of waiting for another process that is about to pin something; the default is 10"),
		is("echo", &g.Echo, "print the filter that was set, as tc monitor does"),
		is("Version version v", &g.Version, "print the version"),
		is("help", &g.Help, "print help"),
	}
}

// documented is the table as the documents and the look-up of short forms want it.
func documented(table []*option) []grammar.Option {
	out := make([]grammar.Option, len(table))
	for i, o := range table {
		out[i] = grammar.Option{Names: o.names, Arg: o.argument, Kind: o.kind, Help: o.help}
	}
	return out
}

// storing is how the options that a line has come to store.
func storing(all []*option, store func(o *option, value string) error) func(int, string, bool) error {
	return func(i int, value string, given bool) error {
		switch {
		case i < 0:
			return refusal("unknown option %s", value)
		case !given:
			return refusal("option --%s wants %s", all[i].names[0], all[i].argument)
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
			return refusal("option --%s wants %s, not an empty word", o.names[0], o.argument)
		}
	case *int:
		if *p, err = grammar.ParseNumber(o.value, 1, maxNumber); err != nil {
			return refusal("option -%s wants a number from 1 to %d, not %q", o.names[0], maxNumber, o.value)
		}
	case *bool:
		if *p, err = strconv.ParseBool(o.value); err != nil {
			return refusal("option -%s is a switch, not %q", o.names[0], o.value)
		}
	}
	return nil
}

func refusal(format string, args ...any) error {
	return &env.OptionError{Err: fmt.Errorf(format, args...)}
}

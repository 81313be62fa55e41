package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// An option is one row of the table of global options.
type option struct {
	name     string
	argument string
	help     string
	set      func(*env.Globals) any // *bool, *string or *int, a positive number
}

// maxJobs is more threads than a process may well have; more would be a slip.
const maxJobs = 1024

// Where a short form fits several rows, the first is meant: -b is batch, and
// -br brief.
func options() []option {
	return []option{
		{"json", "", "print JSON", func(g *env.Globals) any { return &g.JSON }},
		{"pretty", "", "indent the JSON", func(g *env.Globals) any { return &g.Pretty }},
		{"details", "", "print more of each thing", func(g *env.Globals) any { return &g.Details }},
		{"statistics", "", "print counters", func(g *env.Globals) any { return &g.Statistics }},
		{"batch", "FILE", "run the commands in FILE, one a line; - is standard input", func(g *env.Globals) any { return &g.Batch }},
		{"brief", "", "print one line for each thing", func(g *env.Globals) any { return &g.Brief }},
		{"bpffs", "DIR", "use the BPF file system at DIR, not at $TC_BPF_MNT or /sys/fs/bpf", func(g *env.Globals) any { return &g.BPFFS }},
		{"netns", "NAME", "work in the network namespace NAME, a path or a process id; pins stay where they are", func(g *env.Globals) any { return &g.Netns }},
		{"force", "", "replace what is attached; go on after a batch line that fails", func(g *env.Globals) any { return &g.Force }},
		{"idempotent", "", "change nothing where a program with the same instructions and maps is already attached", func(g *env.Globals) any { return &g.Idempotent }},
		{"all-netns", "", "net show: every network namespace", func(g *env.Globals) any { return &g.AllNetns }},
		{"atomic", "", "several devices: when one refuses, or on ^C, every device is as it was before", func(g *env.Globals) any { return &g.Atomic }},
		{"jobs", "N", "have the kernel verify up to N programs at a time, each on a thread of its own, in a batch those of the next lines too; the default is the number of processors, and 1 verifies one after the other", func(g *env.Globals) any { return &g.Jobs }},
		{"echo", "", "print the filter that was set, as tc monitor does", func(g *env.Globals) any { return &g.Echo }},
		{"Version", "", "print the version", func(g *env.Globals) any { return &g.Version }},
		{"help", "", "print help", func(g *env.Globals) any { return &g.Help }},
	}
}

// readOptions takes the options before the first word and returns the words.
func readOptions(e *env.Env, args []string) (words []string, err error) {
	table := options()
	if e.Tool == env.ToolIP && slices.Contains(args, "-f") { // to ip, -f is -family
		return nil, &env.OptionError{Err: errors.New("unknown option -f")}
	}
	args = grammar.Expand(documented(table), args)
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "-" {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		name, value, given := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		i := slices.IndexFunc(table, func(o option) bool { return o.name == name })
		if i < 0 {
			return nil, &env.OptionError{Err: fmt.Errorf("unknown option %s", arg)}
		}
		o := table[i]
		if o.argument != "" && !given {
			if len(args) == 0 {
				return nil, &env.OptionError{Err: fmt.Errorf("option %s wants %s", arg, o.argument)}
			}
			value, args = args[0], args[1:]
		}
		if o.argument != "" && value == "" {
			return nil, &env.OptionError{Err: fmt.Errorf("option %s wants %s, not an empty word", arg, o.argument)}
		}
		if err := o.store(&e.Globals, value, given); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// store sets the field of an option; a switch may be given as -json=false.
func (o option) store(g *env.Globals, value string, given bool) (err error) {
	switch p := o.set(g).(type) {
	case *string:
		*p = value
	case *int:
		if *p, err = grammar.ParseNumber(value, 1, maxJobs); err != nil {
			return &env.OptionError{Err: fmt.Errorf("option -%s wants a number of threads from 1 to %d, not %q", o.name, maxJobs, value)}
		}
	case *bool:
		*p = true
		if given {
			*p, err = strconv.ParseBool(value)
		}
	}
	if err != nil {
		return &env.OptionError{Err: fmt.Errorf("option -%s is a switch, not %q", o.name, value)}
	}
	return nil
}

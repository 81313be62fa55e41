package grammar

import (
	"slices"
	"strings"
)

// Option is a word with one or two dashes that stands before the command.
type Option struct {
	Names []string // without dashes, the main one first
	Arg   string   // the metavariable of its value; empty if it takes none
	Kind  Kind     // what the value names
	Help  string   // lower case, no full stop
}

func (o Option) label() string {
	label := "-" + strings.Join(o.Names, ", -")
	if o.Arg != "" {
		label += " " + o.Arg
	}
	return label
}

// findOption finds the option that a word with dashes names, by the rule for
// keywords.
func findOption(options []Option, word string) (Option, bool) {
	var best Option
	how := fitNone
	for _, o := range options {
		if f := matchNames(o.Names, false, trimDashes(word)); f > how {
			best, how = o, f
		}
	}
	return best, how != fitNone
}

// Expand writes the options before the command out in full, with two dashes,
// as flag parsers want them that know no shortened words: "-js" becomes
// "--json". Where a word is short for several options, the first in the table
// wins. What no option matches stays as it is, and so does all from the first
// word without a dash, or "--", on.
func Expand(options []Option, args []string) []string {
	args = slices.Clone(args)
	for i := 0; i < len(args); i++ {
		word, value, hasValue := strings.Cut(args[i], "=")
		if trimDashes(word) == "" || word[0] != '-' {
			return args
		}
		o, ok := findOption(options, word)
		if !ok {
			continue
		}
		args[i] = "--" + o.Names[0]
		if hasValue {
			args[i] += "=" + value
		}
		if o.Arg != "" && !hasValue {
			i++
		}
	}
	return args
}

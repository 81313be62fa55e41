package grammar

import (
	"slices"
	"strings"
)

// Option is a word with one or two dashes that stands before the command or after
// it, beside the words of its grammar.
type Option struct {
	Names []string // without dashes, the main one first
	Arg   string   // the metavariable of its value; empty if it takes none
	Kind  Kind     // what the value names
	Help  string   // lower case, no full stop
	Exact bool     // it may not be shortened
	// Use is what a command has among its Options to take it; empty for an option that
	// every command takes.
	Use string
}

func (o Option) label() string {
	label := "-" + strings.Join(o.Names, ", -")
	if o.Arg != "" {
		label += " " + o.Arg
	}
	return label
}

// Options finds the options of a line, which may stand before its command and among
// its words. A nil Options finds none.
type Options struct {
	Known []Option
	// Store gets the index of a known option and its value, "true" of one that takes
	// none; given is false if the words end before the value. With -1 it gets a word
	// before the command that looks like an option and is unknown.
	Store func(known int, value string, given bool) error
	// Name is what a word names that is a value of the kind. Nil takes it as it is.
	Name func(Kind, string) string

	ended bool // by "--"
}

// take returns words without the option at i, if there is one.
func (o *Options) take(words []string, i int) (rest []string, taken bool, err error) {
	if o == nil || o.ended || !isOption(words[i]) {
		return words, false, nil
	}
	n := 1
	if o.ended = words[i] == "--"; !o.ended {
		name, value, given := strings.Cut(words[i], "=")
		known := findOption(o.Known, name)
		switch {
		case known < 0:
			return words, false, nil
		case given:
		case o.Known[known].Arg == "":
			value, given = "true", true
		case i+1 < len(words):
			value, given, n = words[i+1], true, 2
		}
		err = o.Store(known, value, given)
	}
	return slices.Concat(words[:i], words[i+n:]), true, err
}

// Leading takes the options before the command.
func (o *Options) Leading(words []string) ([]string, error) {
	for len(words) > 0 {
		rest, taken, err := o.take(words, 0)
		if !taken && !o.ended && isOption(words[0]) {
			rest, taken, err = words[1:], true, o.Store(-1, words[0], false)
		}
		if err != nil {
			return nil, err
		}
		if !taken {
			break
		}
		words = rest
	}
	return words, nil
}

// Rest takes all options that words may hold, for the form in which is told that
// they are wrong.
func (o *Options) Rest(words []string) {
	for len(words) > 0 {
		rest, taken, _ := o.take(words, 0) // there is an error already
		if !taken {
			rest = words[1:]
		}
		words = rest
	}
}

// isOption tells whether a word looks like an option: "-" alone, for standard
// input, does not.
func isOption(word string) bool { return len(word) > 1 && word[0] == '-' }

// findOption finds the option that a word with dashes names, -1 for none. Where
// the word is short for several options, the first in the table wins.
func findOption(options []Option, word string) int {
	best, how := -1, fitNone
	for i, o := range options {
		if f := matchNames(o.Names, o.Exact, trimDashes(word)); f > how {
			best, how = i, f
		}
	}
	return best
}

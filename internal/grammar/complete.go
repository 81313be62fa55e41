package grammar

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
)

// Candidate is a word that completes the one under the cursor.
type Candidate struct {
	Word string
	Help string
}

// Completion is what may stand under the cursor.
type Completion struct {
	Current    string // the word under the cursor, up to the cursor
	Candidates []Candidate
	// Kinds says what a value there may name. Whoever knows such names adds
	// them by Offer; File and Directory are left to the shell.
	Kinds []Kind
	// Bound is the values before the cursor, such as the file whose sections
	// are to be offered. Those of options have their main names.
	Bound []Bound
}

// Offer adds a candidate if it completes the current word.
func (c *Completion) Offer(word, help string) {
	if strings.HasPrefix(word, c.Current) {
		c.Candidates = append(c.Candidates, Candidate{word, help})
	}
}

// Write writes the completion for the shells' scripts: a line for each
// candidate, with its help after a tab, then one with a colon and the kind
// that the shell has to complete, if any. A candidate with a tab or newline
// in it cannot be told, and is left out.
func (c *Completion) Write(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, cand := range c.Candidates {
		if strings.ContainsAny(cand.Word, "\t\n") {
			continue
		}
		help, _, _ := strings.Cut(plainText(cand.Help), "\n")
		w.WriteString(cand.Word + "\t" + help + "\n")
	}
	directive := ""
	switch {
	case slices.Contains(c.Kinds, File), slices.Contains(c.Kinds, Pinned), slices.Contains(c.Kinds, Map):
		directive = string(File)
	case slices.Contains(c.Kinds, Directory):
		directive = string(Directory)
	}
	w.WriteString(":" + directive + "\n")
	return w.Flush()
}

// Complete says what may stand under the cursor: current is the word there,
// words are those before it, without the program's name. The setters of the
// commands' grammars see the words; their errors are ignored.
func (t Table[R]) Complete(m *Manual, words []string, current string) *Completion {
	c := &Completion{Current: current}
	options := c.skip(m.Options)
	words, err := options.Leading(words)
	if err != nil {
		return c
	}
	prefix, i, words, err := t.prefix(words, options)
	if err != nil {
		return c
	}
	if i == len(words) {
		c.items(t.items(prefix))
	}
	command := t.named(prefix)
	if command == nil {
		if i == len(words) {
			c.options(m.Options)
		}
		return c
	}
	root, _ := command.Grammar()
	if c.walk(root, words[i:], options) {
		c.options(slices.DeleteFunc(slices.Clone(m.Options), func(o Option) bool { return !command.Takes(o) }))
	}
	return c
}

// errCursor says that the cursor is at the value of an option.
var errCursor = errors.New("at the cursor")

// skip takes options, and says what the value under the cursor names.
func (c *Completion) skip(known []Option) *Options {
	return &Options{Known: known, Store: func(i int, value string, given bool) error {
		switch {
		case i < 0:
		case !given:
			c.Kinds = []Kind{known[i].Kind}
			return errCursor
		case known[i].Arg != "":
			c.Bound = append(c.Bound, Bound{known[i].Names[0], known[i].Kind, value})
		}
		return nil
	}}
}

// options offers the options where a word with a dash is under the cursor.
func (c *Completion) options(options []Option) {
	if !strings.HasPrefix(c.Current, "-") {
		return
	}
	dashes := c.Current[:len(c.Current)-len(trimDashes(c.Current))]
	for _, o := range options {
		c.Offer(dashes+o.Names[0], o.Help)
	}
}

// walk tells whether an option may stand under the cursor.
func (c *Completion) walk(root *Node, words []string, options *Options) bool {
	w := newWalk(root)
	for i := 0; i < len(words); {
		best, how, _ := w.pick(words[i])
		less, taken, err := w.option(best, how, words, i, options)
		switch {
		case err != nil:
			return false
		case taken:
			words = less
		case how == fitNone:
			return false
		case best.leaf.op == opRest:
			c.Kinds = append(c.Kinds, best.leaf.kind)
			return false
		default:
			_ = w.enter(best, words[i]) // the value's error is for Parse to tell
			i++
		}
	}
	c.Bound = append(c.Bound, w.bound...)
	c.items(w.items())
	best, how, _ := w.pick(c.Current)
	return how != fitValue || !w.due(best)
}

func (c *Completion) items(items []Item) {
	for _, item := range items {
		if item.Word {
			c.word(item)
			continue
		}
		if item.Kind != "" && !slices.Contains(c.Kinds, item.Kind) {
			c.Kinds = append(c.Kinds, item.Kind)
		}
		for _, choice := range item.Choice {
			c.Offer(choice, item.Help)
		}
	}
}

// word offers a keyword by the first of its names that completes the word.
func (c *Completion) word(item Item) {
	for _, name := range append([]string{item.Name}, item.Other...) {
		if strings.HasPrefix(name, c.Current) {
			c.Offer(name, item.Help)
			return
		}
	}
}

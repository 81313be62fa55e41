package grammar

import (
	"bufio"
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
	// are to be offered.
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
	words, done := c.options(m.Options, words)
	if done {
		return c
	}
	prefix, i := t.prefix(words)
	if i == len(words) {
		c.items(t.items(prefix))
	}
	if command := t.named(prefix); command != nil {
		root, _ := command.Grammar()
		c.walk(root, words[i:])
	}
	return c
}

// options skips the options before the command. It is done when the cursor is
// at an option or its value.
func (c *Completion) options(options []Option, words []string) (rest []string, done bool) {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		name, _, hasValue := strings.Cut(words[0], "=")
		o, ok := findOption(options, name)
		words = words[1:]
		if !ok || o.Arg == "" || hasValue {
			continue
		}
		if len(words) == 0 {
			c.Kinds = []Kind{o.Kind}
			return nil, true
		}
		words = words[1:]
	}
	if len(words) > 0 || !strings.HasPrefix(c.Current, "-") {
		return words, false
	}
	dashes := c.Current[:len(c.Current)-len(trimDashes(c.Current))]
	for _, o := range options {
		c.Offer(dashes+o.Names[0], o.Help)
	}
	return nil, true
}

func (c *Completion) walk(root *Node, words []string) {
	w := newWalk(root)
	for _, word := range words {
		best, how, _ := w.pick(word)
		if how == fitNone {
			return
		}
		if best.leaf.op == opRest {
			c.Kinds = append(c.Kinds, best.leaf.kind)
			return
		}
		_ = w.enter(best, word) // the value's error is for Parse to tell
	}
	c.Bound = w.bound
	c.items(w.items())
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

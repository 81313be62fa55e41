package grammar

import (
	"errors"
	"slices"
	"strings"
)

// Command is one command of a [Table]. R is what its words ask for; this package
// only hands it on.
type Command[R any] struct {
	// Name is the command's words, each with its other names after a bar:
	// "link show|list|lst". Words that commands share are written alike.
	Name string
	// Default makes this the command meant when the last word is left out
	// and nothing follows: "link" for "link show".
	Default bool
	// Hidden keeps the command out of documents and completion.
	Hidden bool

	// Options are the uses of the options that it takes beside those of every command:
	// "details brief".
	Options string

	Summary     string // one line, lower case, no full stop
	Description string // paragraphs, with an empty line between them
	Examples    []Example

	// New returns a fresh grammar, and the request that it fills.
	New func() (*Node, R)
	// Lines, instead of New, is for a command of which a table reads many lines: one
	// grammar serves them all. take hands over the request that a line has filled,
	// and makes ready for the next.
	Lines func() (root *Node, take func() R)

	root *Node // of Lines, once it is built
	take func() R
}

// Grammar is what a line is read with, and what gives its request.
func (c *Command[R]) Grammar() (root *Node, take func() R) {
	if c.Lines == nil {
		root, r := c.New()
		return root, func() R { return r }
	}
	if c.root == nil {
		c.root, c.take = c.Lines()
	}
	return c.root, c.take
}

// Example is a line to be typed, and what it does.
type Example struct {
	Line string // without a prompt, with the program's name
	Help string // a sentence, lower case, no full stop
}

// Takes reports whether an option means something to the command.
func (c *Command[R]) Takes(o Option) bool {
	return o.Use == "" || slices.Contains(strings.Fields(c.Options), o.Use)
}

// Title is the command's name without the other names: "link show".
func (c *Command[R]) Title() string { return title(c.Name) }

func title(name string) string {
	if !strings.Contains(name, "|") {
		return name
	}
	words := strings.Fields(name)
	for i, w := range words {
		words[i], _, _ = strings.Cut(w, "|")
	}
	return strings.Join(words, " ")
}

// Parse reads the words after the command's own, and returns the request that
// they fill. The errors are those of [Parse], and of options.
func (c *Command[R]) Parse(words []string, options *Options) (R, error) {
	root, take := c.Grammar()
	err := Parse(root, words, options)
	r := take()
	if syntax, ok := errors.AsType[*SyntaxError](err); ok {
		syntax.Command = c.Title()
	}
	if help, ok := errors.AsType[*HelpRequest](err); ok {
		help.Command = c.Title()
	}
	return r, err
}

// Table is the commands of a program. Where a word is short for several, the
// first in the table wins.
type Table[R any] []Command[R]

// Lookup finds the command that the words begin with, and returns the words
// after it. Each word may be shortened as keywords may, and options may stand between
// them. The errors are those of [Parse]; their Items and Expected are words of commands.
func (t Table[R]) Lookup(words []string, options *Options) (*Command[R], []string, error) {
	prefix, i, words, err := t.prefix(words, options)
	if err != nil {
		return nil, nil, err
	}
	if c := t.named(prefix); c != nil {
		return c, words[i:], nil
	}
	if i == len(words) {
		if c := t.byDefault(prefix); c != nil {
			return c, nil, nil
		}
	}
	return nil, nil, t.unknown(prefix, words, i)
}

// prefix returns as much of a command's name as the words begin with, and how many
// of them it is, without the options before and in it. Those after a whole name
// are left to its grammar.
func (t Table[R]) prefix(words []string, options *Options) (prefix string, n int, _ []string, err error) {
	for n < len(words) {
		next, known := t.next(prefix, words[n])
		if known {
			prefix = join(prefix, next)
			n++
			continue
		}
		taken := false
		if !asksHelp(words[n], fitNone) && t.named(prefix) == nil {
			words, taken, err = options.take(words, n)
		}
		if !taken || err != nil {
			break
		}
	}
	return prefix, n, words, err
}

// unknown explains why the words are not a command from the i-th on.
func (t Table[R]) unknown(prefix string, words []string, i int) error {
	if i < len(words) && asksHelp(words[i], fitNone) {
		if i == 0 && len(words) > 1 {
			return t.helpOn(words[1:])
		}
		return &HelpRequest{Command: title(prefix), Items: t.items(prefix)}
	}
	e := &SyntaxError{Command: title(prefix), AtEnd: i == len(words)}
	names := e.expect(t.items(prefix))
	if e.AtEnd {
		if i > 0 {
			e.After = words[i-1]
		}
		return e
	}
	e.Got, e.Rest = words[i], words[i+1:]
	e.Suggestion = nearest(e.Got, names)
	return e
}

// helpOn answers "help link set" as "link set help", and "help help" as "help".
func (t Table[R]) helpOn(words []string) error {
	for len(words) > 0 && asksHelp(words[0], fitNone) {
		words = words[1:]
	}
	c, rest, err := t.Lookup(append(slices.Clone(words), "help"), nil)
	if err != nil {
		return err
	}
	if _, err = c.Parse(rest, nil); err == nil { // it takes any word, help too
		err = &HelpRequest{Command: c.Title()}
	}
	return err
}

// next finds the element after prefix that the word stands for.
func (t Table[R]) next(prefix, word string) (element string, ok bool) {
	best := fitNone
	for i := range t {
		e := elementAfter(t[i].Name, prefix)
		if e == "" {
			continue
		}
		if f := matchElement(e, word); f > best {
			best, element = f, e
		}
		if best == fitExact {
			break
		}
	}
	return element, best != fitNone
}

// elementAfter returns the word of name, with its other names, that follows
// prefix; "" if name does not go on from there.
func elementAfter(name, prefix string) string {
	rest, ok := strings.CutPrefix(name, prefix)
	if ok && prefix != "" {
		rest, ok = strings.CutPrefix(rest, " ")
	}
	if !ok {
		return ""
	}
	e, _, _ := strings.Cut(rest, " ")
	return e
}

func matchElement(element, word string) fit {
	best := fitNone
	for name := range strings.SplitSeq(element, "|") {
		best = max(best, matchNames([]string{name}, false, word))
	}
	return best
}

func join(prefix, element string) string {
	if prefix == "" {
		return element
	}
	return prefix + " " + element
}

func (t Table[R]) named(name string) *Command[R] {
	for i := range t {
		if t[i].Name == name {
			return &t[i]
		}
	}
	return nil
}

func (t Table[R]) byDefault(prefix string) *Command[R] {
	for i := range t {
		e := elementAfter(t[i].Name, prefix)
		if t[i].Default && e != "" && t[i].Name == join(prefix, e) {
			return &t[i]
		}
	}
	return nil
}

// items lists the words that may follow prefix.
func (t Table[R]) items(prefix string) []Item {
	var items []Item
	seen := map[string]bool{}
	for i := range t {
		e := elementAfter(t[i].Name, prefix)
		if e == "" || seen[e] || t[i].Hidden {
			continue
		}
		seen[e] = true
		names := strings.Split(e, "|")
		item := Item{Name: names[0], Syntax: names[0], Other: names[1:], Word: true}
		if t[i].Name == join(prefix, e) {
			item.Help = t[i].Summary
		} else {
			item.Help = t.groupHelp(join(prefix, e))
		}
		items = append(items, item)
	}
	return items
}

// groupHelp lists the verbs of a group of commands.
func (t Table[R]) groupHelp(prefix string) string {
	var verbs []string
	for i := range t {
		e, _, _ := strings.Cut(elementAfter(t[i].Name, prefix), "|")
		if e != "" && !t[i].Hidden && !slices.Contains(verbs, e) {
			verbs = append(verbs, e)
		}
	}
	return strings.Join(verbs, ", ")
}

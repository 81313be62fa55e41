package grammar

import (
	"slices"
	"strings"
)

// op is what a node asks of the words.
type op uint8

const (
	opWord  op = iota // a keyword, then its children in order
	opValue           // one word that the user makes up
	opRest            // all words that are left
	opSeq             // children in order
	opOpt             // children in order, or nothing
	opAlt             // exactly one child
	opAny             // children in any order
)

// Kind says what a value names, so that completion can offer some.
type Kind string

// The kinds of value that can be completed. File and Directory are left to the
// shell; the others are for the caller of [Table.Complete].
const (
	File      Kind = "file"
	Directory Kind = "directory"
	Device    Kind = "device"
	Netns     Kind = "netns"
	Program   Kind = "program"
	Section   Kind = "section"
	Map       Kind = "map"
	Pinned    Kind = "pinned"

	// Of what the kernel has, by name or by id.
	LoadedProgram   Kind = "loaded program"
	LoadedProgramID Kind = "loaded program id"
	LoadedMap       Kind = "loaded map"
	LoadedMapID     Kind = "loaded map id"
)

// Node is one part of a command's grammar. Build it with [Word], [Value],
// [Rest], [Seq], [Opt], [Alt] and [Any]; the methods change the node in place
// and return it. A node holds no state of a walk, so it may stand in several
// places of a tree.
type Node struct {
	op       op
	names    []string // opWord: names and aliases; opValue: the metavariable
	help     string
	title    string
	children []*Node
	later    func() *Node // opWord: the child that comes last, until it is needed

	exact, hidden, repeat, required bool

	do      func()
	set     func(string) error
	setRest func([]string) error
	check   func() error
	accept  func(string) bool

	kind    Kind
	choices []string
}

// Word is the keyword name, followed by then in order.
func Word(name string, then ...*Node) *Node {
	return &Node{op: opWord, names: []string{name}, children: then}
}

// Later has the word followed by one node more, which is built when the word is
// read or explained: most words of a large grammar are not in a line.
func (n *Node) Later(build func() *Node) *Node { n.later = build; return n }

// then is what follows a word, or is in a group.
func (n *Node) then() []*Node {
	if build := n.later; build != nil {
		n.later = nil
		n.children = append(n.children, build())
	}
	return n.children
}

// Value is one word of the user's own, given to set. The metavariable name
// stands for it in documents, in capitals: "FILE". An error of set becomes a
// [SyntaxError].
func Value(name string, set func(string) error) *Node {
	return &Node{op: opValue, names: []string{name}, set: set}
}

// Rest is every word that is left, at least one, none of them read as a
// keyword: the command line that a command runs.
func Rest(name string, set func([]string) error) *Node {
	return &Node{op: opRest, names: []string{name}, setRest: set}
}

// Seq is its children, one after the other.
func Seq(children ...*Node) *Node { return &Node{op: opSeq, children: children} }

// Opt is its children one after the other, or nothing.
func Opt(children ...*Node) *Node { return &Node{op: opOpt, children: children} }

// Alt is exactly one of its children: the first that takes the word.
func Alt(children ...*Node) *Node { return &Node{op: opAlt, children: children} }

// Any is any number of its children in any order, each at most once unless
// marked [Node.Repeat], and at least once where marked [Node.Required].
func Any(children ...*Node) *Node { return &Node{op: opAny, children: children} }

// Key is the keyword name followed by one value.
func Key(name, value string, set func(string) error) *Node {
	return Word(name, Value(value, set))
}

// Flag is the keyword name, which sets *p.
func Flag(name string, p *bool) *Node { return Const(name, p, true) }

// Const is the keyword name, which stores v in *p, followed by then in order.
func Const[T any](name string, p *T, v T, then ...*Node) *Node {
	return Word(name, then...).Do(func() { *p = v })
}

// Choice is [Const] for a field where nil means that no word was given.
func Choice[T any](name string, p **T, v T) *Node {
	return Word(name).Do(func() { *p = &v })
}

// Alias adds names that a word also answers to. They are matched by prefix as
// its first name is, and after it.
func (n *Node) Alias(names ...string) *Node {
	n.names = append(n.names, names...)
	return n
}

// Exact makes a word answer to its full names only.
func (n *Node) Exact() *Node { n.exact = true; return n }

// Hidden keeps a node out of messages, documents and completion.
func (n *Node) Hidden() *Node { n.hidden = true; return n }

// Repeat lets a node be given more than once: as a child of Any at any place,
// elsewhere one after the other.
func (n *Node) Repeat() *Node { n.repeat = true; return n }

// Required makes a child of Any mandatory.
func (n *Node) Required() *Node { n.required = true; return n }

// Help sets the sentences that explain the node: lower case, no full stop.
func (n *Node) Help(text string) *Node { n.help = text; return n }

// Named gives the node a name in capitals; a synopsis shows the name, and
// defines it below.
func (n *Node) Named(title string) *Node { n.title = title; return n }

// Do calls f when the word has been read.
func (n *Node) Do(f func()) *Node { n.do = f; return n }

// Check calls f at the end of the line if the node was read: for rules that
// join several parts. Its error becomes a [SyntaxError].
func (n *Node) Check(f func() error) *Node { n.check = f; return n }

// Accept makes a value take only words for which f is true. Called on a word,
// it speaks of the value after it.
func (n *Node) Accept(f func(string) bool) *Node { n.value().accept = f; return n }

// Completes says what the value names. Called on a word, it speaks of the
// value after it.
func (n *Node) Completes(k Kind) *Node { n.value().kind = k; return n }

// Choices lists words that completion offers for the value; others are taken
// too. Called on a word, it speaks of the value after it.
func (n *Node) Choices(words ...string) *Node { n.value().choices = words; return n }

func (n *Node) value() *Node {
	if n.op == opWord && len(n.children) > 0 {
		return n.children[0]
	}
	return n
}

func (n *Node) name() string { return n.names[0] }

// nullable tells whether the node may be left out altogether.
func (n *Node) nullable() bool {
	switch n.op {
	case opOpt:
		return true
	case opSeq:
		return !slices.ContainsFunc(n.children, func(c *Node) bool { return !c.nullable() })
	case opAlt:
		return len(n.children) == 0 || slices.ContainsFunc(n.children, (*Node).nullable)
	case opAny:
		return !slices.ContainsFunc(n.children, func(c *Node) bool { return c.required })
	default:
		return false
	}
}

// visit calls f with the node and those below it, but for what is hidden, and for what
// is below a node of which f wants no more.
func (n *Node) visit(f func(*Node) (more bool)) {
	if n.hidden || !f(n) {
		return
	}
	for _, c := range n.then() {
		c.visit(f)
	}
}

// named lists the parts that have a name, each name once.
func (n *Node) named() (all []*Node) {
	n.visit(func(n *Node) bool {
		if n.title != "" && !slices.ContainsFunc(all, func(o *Node) bool { return o.title == n.title }) {
			all = append(all, n)
		}
		return true
	})
	return all
}

// fit is how well a word fits a leaf; more is better.
type fit uint8

const (
	fitNone fit = iota
	fitValue
	fitPrefix
	fitExact
)

func (n *Node) fit(word string) fit {
	switch n.op {
	case opWord:
		return matchNames(n.names, n.exact, word)
	case opRest:
		return fitValue
	case opValue:
		if word == "" || n.accept != nil && !n.accept(word) {
			return fitNone // "" is what a script's unset variable leaves
		}
		return fitValue
	default:
		return fitNone
	}
}

// isLeaf tells whether the node itself takes a word.
func (n *Node) isLeaf() bool { return n.op == opWord || n.op == opValue || n.op == opRest }

// matchNames applies iproute2's rule (matches in lib/utils.c) to one keyword.
// A keyword with a leading dash may be written with one or two.
func matchNames(names []string, exact bool, word string) fit {
	best := fitNone
	for _, name := range names {
		w := word
		if strings.HasPrefix(name, "-") {
			if !strings.HasPrefix(word, "-") {
				continue
			}
			name, w = trimDashes(name), trimDashes(word)
		}
		switch {
		case w == name:
			return fitExact
		case !exact && w != "" && strings.HasPrefix(name, w):
			best = fitPrefix
		}
	}
	return best
}

// trimDashes removes one or two leading dashes.
func trimDashes(s string) string {
	return strings.TrimPrefix(strings.TrimPrefix(s, "-"), "-")
}

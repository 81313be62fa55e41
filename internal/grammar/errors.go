package grammar

import (
	"slices"
	"strconv"
	"strings"
)

// SyntaxError says what is wrong with a line, and where.
type SyntaxError struct {
	Command string   // the command's name: "link set"; empty if it was not found
	Read    []string // the words before Got, without the command's own
	Got     string   // the word that does not fit
	Rest    []string // the words after Got, where no command was found
	AtEnd   bool     // there is no such word: the line ends too early, or breaks a rule as a whole
	After   string   // AtEnd: the word after which Expected belongs, if it belongs there only

	Expected   []string // keywords and metavariables that may stand there
	Suggestion string   // the keyword that Got looks like
	Meant      string   // the line that does what Got means to others, for whoever knows such words
	Duplicate  bool     // Got has been given before
	Conflict   string   // the earlier word that excludes Got

	Value string // the value that was refused with Err: its keyword or metavariable
	Err   error
}

// Error describes the error in one line, without the command.
func (e *SyntaxError) Error() string {
	switch {
	case e.Err != nil && e.AtEnd:
		return e.Err.Error()
	case e.Err != nil:
		return "invalid value " + strconv.Quote(e.Got) + " for " + e.Value + ": " + e.Err.Error()
	case e.AtEnd:
		s := "command line is not complete: expected " + orList(e.Expected)
		if e.After != "" {
			s += " after " + e.After
		}
		return s
	case e.Duplicate:
		return strconv.Quote(e.Got) + " given twice"
	case e.Conflict != "":
		return strconv.Quote(e.Got) + " cannot be given together with " + strconv.Quote(e.Conflict)
	}
	s := "unexpected " + strconv.Quote(e.Got)
	if len(e.Expected) == 0 {
		return s + ", expected the end of the line"
	}
	s += ", expected " + strings.Join(e.Expected, ", ")
	if e.Suggestion != "" {
		s += "; did you mean " + strconv.Quote(e.Suggestion) + "?"
	}
	return s
}

// Unwrap returns the reason why a value was refused.
func (e *SyntaxError) Unwrap() error { return e.Err }

func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// HelpRequest is the error of a line that asks for help.
type HelpRequest struct {
	Command string   // the command's name: "link set"; what was read of it if it is not complete
	Read    []string // the words before help, without the command's own
	Items   []Item   // what may stand there
}

// Error says that help was asked for.
func (h *HelpRequest) Error() string { return "help requested" }

// Item is something that may stand at a place in a line.
type Item struct {
	Name   string   // the keyword or the metavariable
	Syntax string   // the keyword with its values: "section NAME"
	Help   string   // one sentence
	Word   bool     // a keyword, not a value
	Other  []string // a keyword's other names
	Kind   Kind     // what a value names
	Choice []string // words offered for a value
}

// items lists what may come next, the innermost first, each name once.
func (w *walk) items() []Item {
	var items []Item
	seen := map[string]bool{}
	w.scan(lister(func(leaf *Node) {
		if !leaf.hidden && !seen[leaf.name()] {
			seen[leaf.name()] = true
			items = append(items, newItem(leaf))
		}
	}))
	return items
}

func newItem(n *Node) Item {
	return Item{
		Name: n.name(), Syntax: label(n), Help: n.help, Word: n.op == opWord,
		Other: n.names[1:], Kind: n.kind, Choice: n.choices,
	}
}

// mandatory names the words one of which must come for the nodes to begin.
func mandatory(nodes []*Node) []string {
	var names []string
	for _, n := range nodes {
		var more []string
		switch n.op {
		case opWord, opValue, opRest:
			more = []string{n.name()}
		case opAlt:
			more = mandatory(n.children)
		case opAny:
			more = mandatory((&frame{node: n, used: make([]bool, len(n.children))}).unmet())
		default:
			if i := slices.IndexFunc(n.children, func(c *Node) bool { return !c.nullable() }); i >= 0 {
				more = mandatory(n.children[i : i+1])
			}
		}
		for _, name := range more {
			if !n.hidden && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// expect notes what may stand in the place of Got, and returns the keywords among it
// by all their names.
func (e *SyntaxError) expect(items []Item) (keywords []string) {
	for _, item := range items {
		e.Expected = append(e.Expected, item.Name)
		if item.Word {
			keywords = append(append(keywords, item.Name), item.Other...)
		}
	}
	return keywords
}

// nearest returns the name that word is most likely a misspelling of, or "".
func nearest(word string, names []string) string {
	best, limit := "", min(2, len(word)/2)
	for _, name := range names {
		if len(word) > 1 && strings.HasPrefix(name, word) { // it may not be shortened
			return name
		}
		if d := distance(word, name); d <= limit {
			best, limit = name, d-1
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

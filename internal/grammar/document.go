package grammar

import (
	"slices"
	"strings"
)

// Group introduces the commands that share their first words.
type Group struct {
	Name        string // the words: "link", "tc filter"
	Summary     string // one line, lower case, no full stop
	Description string // paragraphs, with an empty line between them
}

// Status is an exit status and its meaning.
type Status struct {
	Code int
	Help string
}

// Manual is what the documents say about the program as a whole.
//
// In its texts, and in those of commands and nodes, `backquotes` set words as
// they are typed, and indented lines of a description are kept as they are.
type Manual struct {
	Program     string // the name that is typed
	Summary     string // one line, lower case, no full stop
	Description string
	Options     []Option
	Groups      []Group
	Statuses    []Status
	SeeAlso     []string // pages of others: "ip-link(8)"
	Date        string   // of the release, for the manual pages
}

func (m *Manual) group(name string) Group {
	i := slices.IndexFunc(m.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{Name: name}
	}
	return m.Groups[i]
}

// commandDoc is what the documents need of a command.
type commandDoc struct {
	title       string
	other       string // a sentence about other names of its last word, empty without
	summary     string
	description string
	options     []Option // that not every command takes
	examples    []Example
	root        *Node
}

func (c *Command[R]) doc(m *Manual) commandDoc {
	root, _ := c.Grammar()
	other := ""
	if _, names, ok := strings.Cut(c.Name[strings.LastIndexByte(c.Name, ' ')+1:], "|"); ok {
		other = "The last word may also be `" + strings.ReplaceAll(names, "|", "` or `") + "`."
	}
	var options []Option
	for _, o := range m.Options {
		if o.Use != "" && c.Takes(o) {
			options = append(options, o)
		}
	}
	return commandDoc{c.Title(), other, c.Summary, c.Description, options, c.Examples, root}
}

// optionNames lists options as they are typed, each as code writes it.
func optionNames(options []Option, code func(string) string) string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = code("-" + o.Names[0])
	}
	return strings.Join(names, ", ")
}

// pageDoc is the commands that share a manual page.
type pageDoc struct {
	group    Group
	commands []commandDoc
}

// pages groups the commands by all their words but the last, in the order of
// the table. A command of one word, or one that others extend, has a page by
// its own name.
func (t Table[R]) pages(m *Manual) []pageDoc {
	var pages []pageDoc
	for i := range t {
		if t[i].Hidden {
			continue
		}
		name := t.pageName(&t[i])
		at := slices.IndexFunc(pages, func(p pageDoc) bool { return p.group.Name == name })
		if at < 0 {
			at = len(pages)
			pages = append(pages, pageDoc{group: m.group(name)})
		}
		pages[at].commands = append(pages[at].commands, t[i].doc(m))
	}
	for i := range pages {
		pages[i].complete()
	}
	return pages
}

func (t Table[R]) pageName(c *Command[R]) string {
	for i := range t {
		if strings.HasPrefix(t[i].Name, c.Name+" ") {
			return c.Title()
		}
	}
	if words := strings.Fields(c.Title()); len(words) > 1 {
		return strings.Join(words[:len(words)-1], " ")
	}
	return c.Title()
}

// complete makes up a summary where the manual has none.
func (p *pageDoc) complete() {
	if p.group.Summary != "" {
		return
	}
	summaries := make([]string, len(p.commands))
	for i, c := range p.commands {
		summaries[i] = c.summary
	}
	p.group.Summary = strings.Join(summaries, ", ")
}

// part is the explained words of a grammar, or of a named part of it.
type part struct {
	name    string // empty for the grammar itself
	entries []entry
}

// entry explains one word or value.
type entry struct {
	label []token
	help  string
}

// parts lists the words that have a help text, each once, those of named
// parts after those of the grammar itself, in the order of the synopsis.
func parts(root *Node) (list []part) {
	named := slices.DeleteFunc(root.named(), func(n *Node) bool { return n == root })
	for i, top := range slices.Insert(named, 0, root) {
		var p part
		if i > 0 {
			p.name = top.title
		}
		seen := map[string]bool{}
		top.visit(func(n *Node) bool {
			if n.title != "" && n != top {
				return false
			}
			if l := label(n); n.help != "" && !seen[l] {
				seen[l] = true
				p.entries = append(p.entries, entry{labelTokens(n), n.help + also(n.names)})
			}
			return true
		})
		if p.entries != nil {
			list = append(list, p)
		}
	}
	return list
}

// also tells the other names of a word.
func also(names []string) string {
	if len(names) < 2 {
		return ""
	}
	return " (also `" + strings.Join(names[1:], "`, `") + "`)"
}

// explained remembers where a document has explained which part.
type explained map[string]string

// before returns the command at which a part with the same words was
// explained, or "" after noting that this one is.
func (e explained) before(p part, title string) string {
	var b strings.Builder
	b.WriteString(p.name)
	for _, entry := range p.entries {
		b.WriteString("\n" + plain(entry.label) + "\t" + entry.help)
	}
	if first, ok := e[b.String()]; ok {
		return first
	}
	e[b.String()] = title
	return ""
}

// Undocumented lists the words and values that no help text explains: a value
// is explained by its own text or by its keyword's. For tests.
func Undocumented(root *Node) []string {
	var names []string
	var visit func(n *Node, explained bool)
	visit = func(n *Node, explained bool) {
		if n.hidden {
			return
		}
		if n.isLeaf() {
			explained = n.help != "" || explained && n.op != opWord
			if !explained {
				names = append(names, n.name())
			}
		}
		for _, c := range n.then() {
			visit(c, explained)
		}
	}
	visit(root, false)
	return slices.Compact(names)
}

// marked has code write what a text has between backquotes, and plain the rest.
func marked(text string, code, plain func(string) string) string {
	pieces := strings.Split(text, "`")
	for i, s := range pieces {
		switch {
		case s == "":
		case i%2 == 1:
			pieces[i] = code(s)
		default:
			pieces[i] = plain(s)
		}
	}
	return strings.Join(pieces, "")
}

// paragraphs calls fill with text to be filled, and literal with lines to be kept.
func paragraphs(text string, fill, literal func(string)) {
	for p := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		switch {
		case p == "":
		case strings.HasPrefix(p, " "), strings.HasPrefix(p, "\t"):
			literal(outdent(p))
		default:
			fill(strings.Join(strings.Fields(p), " "))
		}
	}
}

// outdent removes the first line's indentation from every line.
func outdent(text string) string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	return strings.ReplaceAll(strings.TrimPrefix(text, indent), "\n"+indent, "\n")
}

// sentence makes a help text stand alone.
func sentence(help string) string {
	if help == "" {
		return ""
	}
	return strings.ToUpper(help[:1]) + help[1:] + "."
}

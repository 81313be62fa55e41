package grammar

import "strings"

// style says how a token is shown where there are fonts.
type style uint8

const (
	stylePunct style = iota
	styleWord
	styleValue
)

// token is one piece of a synopsis.
type token struct {
	text  string
	style style
	glue  bool // no line break after it
}

// shortGroup is the width up to which a bracketed group stays on one line.
const shortGroup = 36

// tokens renders the grammar in the notation of manual pages.
func tokens(n *Node) []token {
	if n.hidden {
		return nil
	}
	if n.title != "" {
		return again(n, []token{{text: n.title, style: styleValue}})
	}
	return body(n)
}

// body renders a node as if it had no name.
func body(n *Node) []token {
	switch n.op {
	case opWord:
		return again(n, wordTokens(n))
	case opValue:
		return again(n, []token{{text: n.name(), style: styleValue}})
	case opRest:
		return []token{{text: n.name() + "...", style: styleValue}}
	case opSeq:
		return again(n, sequence(n.children))
	case opOpt:
		return optional(n.children)
	case opAlt:
		return again(n, bracket("{", alternatives(n), "}"))
	default:
		return anyTokens(n)
	}
}

func again(n *Node, t []token) []token {
	if n.repeat && len(t) > 0 {
		t[len(t)-1].text += "..."
	}
	return t
}

func wordTokens(n *Node) []token {
	t := []token{{text: n.name(), style: styleWord}}
	rest := sequence(n.then())
	t[0].glue = len(rest) > 0 && rest[0].text != "["
	return append(t, rest...)
}

func sequence(nodes []*Node) []token {
	var t []token
	for _, c := range nodes {
		t = append(t, tokens(c)...)
	}
	return t
}

func optional(nodes []*Node) []token {
	if len(nodes) == 1 && nodes[0].op == opAlt && nodes[0].title == "" {
		return again(nodes[0], bracket("[", alternatives(nodes[0]), "]"))
	}
	if len(nodes) == 1 && nodes[0].nullable() && nodes[0].title == "" {
		return tokens(nodes[0])
	}
	repeated := len(nodes) == 1 && nodes[0].repeat
	t := bracket("[", sequence(nodes), "]")
	if repeated && len(t) > 0 { // [ NAME ]... rather than [ NAME... ]
		in := &t[len(t)-2]
		in.text = strings.TrimSuffix(in.text, "...")
		t[len(t)-1].text += "..."
	}
	return t
}

func alternatives(n *Node) []token {
	var t []token
	for _, c := range n.children {
		ct := tokens(c)
		if c.op == opAlt && c.title == "" && !c.repeat && !c.hidden {
			ct = alternatives(c)
		}
		if len(ct) == 0 {
			continue
		}
		if len(t) > 0 {
			t = append(t, token{text: "|", glue: true})
		}
		t = append(t, ct...)
	}
	return t
}

func anyTokens(n *Node) []token {
	var t []token
	for _, c := range n.children {
		if c.required || c.nullable() && c.op != opAlt {
			t = append(t, tokens(c)...)
		} else {
			t = append(t, optional([]*Node{c})...)
		}
	}
	return t
}

// bracket puts t between open and end; a short group stays on one line.
func bracket(open string, t []token, end string) []token {
	if len(t) == 0 {
		return nil
	}
	g := append([]token{{text: open, glue: true}}, t...)
	g = append(g, token{text: end})
	g[len(g)-2].glue = true
	if textWidth(g) <= shortGroup {
		for i := range g[:len(g)-1] {
			g[i].glue = true
		}
	}
	return g
}

func textWidth(t []token) int {
	w := 0
	for _, tok := range t {
		w += len(tok.text) + 1
	}
	return w - 1
}

// outer renders the definition of a named node, without its dots.
func outer(n *Node) []token {
	bare := *n
	bare.repeat = false
	return body(&bare)
}

// wrap breaks the tokens into lines, the first of at most first columns, the
// others of at most later, where it can.
func wrap(t []token, first, later int) [][]token {
	var lines [][]token
	var line []token
	width := first
	for len(t) > 0 {
		n := 1
		for n < len(t) && t[n-1].glue {
			n++
		}
		unit := t[:n]
		t = t[n:]
		if len(line) > 0 && textWidth(line)+1+textWidth(unit) > width {
			lines, line, width = append(lines, line), nil, later
		}
		line = append(line, unit...)
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// inFont joins tokens, each in its font.
func inFont(t []token, font func(token) string) string {
	words := make([]string, len(t))
	for i, tok := range t {
		words[i] = font(tok)
	}
	return strings.Join(words, " ")
}

// plain joins tokens without fonts.
func plain(t []token) string { return inFont(t, noFont) }

func noFont(t token) string { return t.text }

// label is the short form of a node for lists: a keyword and its values, up
// to the first group of options.
func label(n *Node) string { return plain(labelTokens(n)) }

// longLabel is the width beyond which a label is cut to its keyword.
const longLabel = 44

func labelTokens(n *Node) []token {
	if n.op != opWord {
		return tokens(n)
	}
	t := []token{{text: n.name(), style: styleWord}}
	for _, c := range n.then() {
		if c.op == opAny && c.title == "" {
			break
		}
		t = append(t, tokens(c)...)
	}
	if textWidth(t) > longLabel {
		return append(t[:1], token{text: "..."})
	}
	return t
}

// Synopsis writes the grammar after the words of its command, in the notation
// of manual pages, wrapped to width columns, with the named parts below.
func Synopsis(command string, root *Node, width int) string {
	var b strings.Builder
	for i, r := range synopsis(command, root) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(r.format(width, noFont))
	}
	return b.String()
}

// rule is a lead, and the tokens that it stands for.
type rule struct {
	lead   []token
	tokens []token
}

// synopsis is the rule of a command and those of its named parts.
func synopsis(command string, root *Node) []rule {
	var lead []token
	for word := range strings.FieldsSeq(command) {
		lead = append(lead, token{word, styleWord, true})
	}
	rules := []rule{{lead, tokens(root)}}
	for _, n := range root.named() {
		lead := []token{{n.title, styleValue, true}, {":=", stylePunct, true}}
		rules = append(rules, rule{lead, outer(n)})
	}
	return rules
}

// format writes the rule in lines of width columns, each token in its font.
func (r rule) format(width int, font func(token) string) string {
	lead := textWidth(r.lead) + 1
	hang := lead
	if hang > 20 {
		hang = 8
	}
	sep := ""
	var b strings.Builder
	for i, line := range append([][]token{r.lead}, wrap(r.tokens, width-lead, width-hang)...) {
		b.WriteString(sep + inFont(line, font))
		sep = "\n" + strings.Repeat(" ", hang)
		if i == 0 {
			sep = " "
		}
	}
	b.WriteByte('\n')
	return b.String()
}

package grammar

import (
	"fmt"
	"strings"
)

// Page is a manual page in the man macros of roff.
type Page struct {
	Name string // the file's name: "xdpload-link.8"
	Text string
}

// ManPages writes a page for the program, and one for each group of commands
// that share all their words but the last. Their date is that of the manual, so that
// they change only when that or the commands do.
func (t Table[R]) ManPages(m *Manual) []Page {
	docs := t.pages(m)
	pages := []Page{{m.Program + ".8", mainPage(m, docs)}}
	for _, p := range docs {
		pages = append(pages, Page{m.pageName(p) + ".8", groupPage(m, p, docs)})
	}
	return pages
}

func (m *Manual) pageName(p pageDoc) string {
	return m.Program + "-" + strings.ReplaceAll(p.group.Name, " ", "-")
}

func mainPage(m *Manual, docs []pageDoc) string {
	w := newRoff(m, m.Program, m.Summary)
	w.section("SYNOPSIS")
	w.line(".B " + roffEscape(m.Program))
	w.line("[ " + roffItalic("OPTIONS") + " ] " + roffItalic("COMMAND") + " { ... | " + roffBold("help") + " }")
	w.section("DESCRIPTION")
	w.paragraphs(m.Description)
	w.section("OPTIONS")
	w.line("They stand before the command or after it, with one dash or two.")
	for _, o := range m.Options {
		w.tagged(o.roffLabel(), o.Help)
	}
	w.section("COMMANDS")
	for _, p := range docs {
		w.line(".TP")
		w.line(roffBold(m.pageName(p)) + "(8)")
		w.text(sentence(p.group.Summary))
		if len(p.commands) == 1 {
			continue
		}
		for _, c := range p.commands {
			w.line(".br")
			w.text("`" + c.title + "`: " + c.summary)
		}
	}
	w.statuses(m.Statuses)
	w.seeAlso(m, docs, "")
	return w.String()
}

func groupPage(m *Manual, p pageDoc, docs []pageDoc) string {
	name := m.pageName(p)
	w := newRoff(m, name, p.group.Summary)
	w.section("SYNOPSIS")
	w.synopsis(m, p)
	w.section("DESCRIPTION")
	w.paragraphs(p.group.Description)
	for _, c := range p.commands {
		w.command(m, c)
	}
	w.section("OPTIONS")
	w.line("The options of every command are described in")
	w.line(roffBold(m.Program) + "(8).")
	w.examples(p)
	w.statuses(m.Statuses)
	w.seeAlso(m, docs, name)
	return w.String()
}

// roff writes a page.
type roff struct {
	strings.Builder
	explained explained
}

func newRoff(m *Manual, name, summary string) *roff {
	w := &roff{explained: explained{}}
	fmt.Fprintf(&w.Builder, ".TH %s 8 \"%s\" \"%s\" \"%s manual\"\n", strings.ToUpper(name), m.Date, m.Program, m.Program)
	w.line(".nh")
	w.line(".ad l")
	w.section("NAME")
	w.line(roffEscape(name) + ` \- ` + roffEscape(plainText(summary)))
	return w
}

func (w *roff) line(s string)    { w.WriteString(s + "\n") }
func (w *roff) section(s string) { w.line(".SH " + s) }

// synopsis writes the rules of all commands; a named part that several
// commands have alike comes once, after them.
func (w *roff) synopsis(m *Manual, p pageDoc) {
	var heads, named []string
	for _, c := range p.commands {
		for i, r := range synopsis(m.Program+" "+c.title, c.root) {
			text := r.format(docWidth-8, roffFont)
			if i == 0 {
				heads = append(heads, text)
			} else if !strings.Contains(strings.Join(named, ""), text) {
				named = append(named, text)
			}
		}
	}
	w.line(".nf")
	w.WriteString(strings.Join(append(heads, named...), ".sp\n"))
	w.line(".fi")
}

func (w *roff) command(m *Manual, c commandDoc) {
	w.line(".SS " + roffEscape(m.Program+" "+c.title))
	w.text(sentence(c.summary))
	if c.other != "" {
		w.text(c.other)
	}
	w.paragraphs(c.description)
	for _, p := range parts(c.root) {
		w.part(c, p)
	}
	if len(c.options) > 0 {
		w.line(".PP")
		w.line("Options, beside those of every command: " + optionNames(c.options, roffBold) + ".")
	}
}

func (w *roff) part(c commandDoc, p part) {
	name := "The words"
	if p.name != "" {
		name = roffItalic(p.name)
	}
	if first := w.explained.before(p, c.title); first != "" {
		w.line(".PP")
		w.line(name + ": as for " + roffBold(first) + ".")
		return
	}
	if p.name != "" {
		w.line(".PP")
		w.line(name + ":")
	}
	for _, e := range p.entries {
		w.tagged(inFont(e.label, roffFont), e.help)
	}
}

func (w *roff) tagged(label, help string) {
	w.line(".TP")
	w.line(label)
	w.text(help)
}

func (w *roff) examples(p pageDoc) {
	first := true
	for _, c := range p.commands {
		for _, e := range c.examples {
			if first {
				w.section("EXAMPLES")
				first = false
			}
			w.line(".PP")
			w.text(sentence(e.Help))
			w.literal(e.Line)
		}
	}
}

func (w *roff) statuses(statuses []Status) {
	w.section("EXIT STATUS")
	for _, s := range statuses {
		w.tagged(roffBold(fmt.Sprint(s.Code)), s.Help)
	}
}

// seeAlso names the other pages; those of groups are all on the main page.
func (w *roff) seeAlso(m *Manual, docs []pageDoc, self string) {
	var pages []string
	if self != "" {
		pages = append(pages, m.Program+"(8)")
	}
	for _, p := range docs {
		if name := m.pageName(p); name != self {
			pages = append(pages, name+"(8)")
		}
	}
	pages = append(pages, m.SeeAlso...)
	w.section("SEE ALSO")
	for i, p := range pages {
		name, number, _ := strings.Cut(p, "(")
		line := ".BR " + roffEscape(name) + " (" + number
		if i < len(pages)-1 {
			line += " ,"
		}
		w.line(strings.Replace(line, " ,", ",", 1))
	}
}

func (w *roff) paragraphs(text string) {
	paragraphs(text,
		func(text string) { w.line(".PP"); w.text(text) },
		func(lines string) { w.line(".PP"); w.literal(lines) })
}

func (w *roff) literal(text string) {
	w.line(".RS 4")
	w.line(".nf")
	for line := range strings.SplitSeq(text, "\n") {
		w.line(roffStart(roffEscape(line)))
	}
	w.line(".fi")
	w.line(".RE")
}

// text writes one filled line, with what is typed in bold.
func (w *roff) text(text string) {
	prose := func(s string) string { return strings.ReplaceAll(roffEscape(s), `\-`, "-") }
	w.line(roffStart(marked(text, roffBold, prose)))
}

func roffFont(t token) string {
	name := strings.TrimSuffix(t.text, "...")
	dots := t.text[len(name):]
	switch t.style {
	case styleWord:
		return roffBold(name) + dots
	case styleValue:
		return roffItalic(name) + dots
	default:
		return roffEscape(t.text)
	}
}

func (o Option) roffLabel() string {
	names := make([]string, len(o.Names))
	for i, n := range o.Names {
		names[i] = roffBold("-" + n)
	}
	label := strings.Join(names, ", ")
	if o.Arg != "" {
		label += " " + roffItalic(o.Arg)
	}
	return label
}

func roffBold(s string) string   { return `\fB` + roffEscape(s) + `\fR` }
func roffItalic(s string) string { return `\fI` + roffEscape(s) + `\fR` }

// roffEscape keeps backslashes, and dashes and quotes that are to be typed. What is not
// ASCII, which roff reads byte by byte, becomes what every locale can show.
func roffEscape(s string) string {
	return strings.NewReplacer(
		`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`,
		"…", "...", "—", `\(em`, "–", `\(en`, "•", `\(bu`, "→", `\(->`, "×", `\(mu`,
	).Replace(s)
}

// roffStart keeps a line from being read as a request.
func roffStart(s string) string {
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}

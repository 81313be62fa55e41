package grammar

import (
	"bufio"
	"io"
	"strings"
)

// docWidth is the width of a synopsis in documents.
const docWidth = 78

// WriteMarkdown writes the reference of all commands.
func (t Table[R]) WriteMarkdown(out io.Writer, m *Manual) error {
	w := &markdownWriter{printer{bufio.NewWriter(out)}, explained{}}
	pages := t.pages(m)
	w.printf("# Commands of %s\n\n%s\n", m.Program, sentence(mdText(m.Summary)))
	w.paragraphs(m.Description)
	w.contents(pages)
	w.options(m.Options)
	for _, p := range pages {
		w.page(m, p)
	}
	w.statuses(m.Statuses)
	return w.Flush()
}

type markdownWriter struct {
	printer
	explained explained
}

func (w *markdownWriter) contents(pages []pageDoc) {
	w.WriteString("\n| command | |\n|---|---|\n")
	for _, p := range pages {
		for _, c := range p.commands {
			w.printf("| [`%s`](#%s) | %s |\n", c.title, anchor(c.title), mdText(c.summary))
		}
	}
}

// anchor is the link that GitHub gives a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(heading), " ", "-")
}

func (w *markdownWriter) options(options []Option) {
	w.WriteString("\n## Options\n\nThey stand before the command or after it, with one dash or two.\n\n")
	for _, o := range options {
		w.printf("- `%s`: %s\n", o.label(), mdText(o.Help))
	}
}

func (w *markdownWriter) page(m *Manual, p pageDoc) {
	w.printf("\n## %s\n", strings.ToUpper(p.group.Name[:1])+p.group.Name[1:]+" commands")
	w.paragraphs(p.group.Description)
	for _, c := range p.commands {
		w.command(m, c)
	}
}

func (w *markdownWriter) command(m *Manual, c commandDoc) {
	w.printf("\n### %s\n\n%s\n", c.title, strings.TrimSpace(sentence(mdText(c.summary))+" "+mdText(c.other)))
	w.printf("\n```\n%s```\n", Synopsis(m.Program+" "+c.title, c.root, docWidth))
	w.paragraphs(c.description)
	for _, p := range parts(c.root) {
		w.part(c, p)
	}
	if len(c.options) > 0 {
		w.printf("\nOptions, beside those of every command: %s.\n", optionNames(c.options, mdCode))
	}
	for _, e := range c.examples {
		w.printf("\n%s\n\n```sh\n%s\n```\n", strings.TrimSuffix(sentence(mdText(e.Help)), ".")+":", e.Line)
	}
}

func (w *markdownWriter) part(c commandDoc, p part) {
	name := "The words"
	if p.name != "" {
		name = "`" + p.name + "`"
	}
	if first := w.explained.before(p, c.title); first != "" {
		w.printf("\n%s: as for [`%s`](#%s).\n", name, first, anchor(first))
		return
	}
	w.printf("\n%s:\n\n", name)
	for _, e := range p.entries {
		w.printf("- `%s`: %s\n", plain(e.label), mdText(e.help))
	}
}

func (w *markdownWriter) statuses(statuses []Status) {
	w.WriteString("\n## Exit status\n\n")
	for _, s := range statuses {
		w.printf("- %d: %s\n", s.Code, mdText(s.Help))
	}
}

func (w *markdownWriter) paragraphs(text string) {
	paragraphs(text,
		func(text string) { w.printf("\n%s\n", mdText(text)) },
		func(lines string) { w.printf("\n```\n%s\n```\n", lines) })
}

// mdText escapes what Markdown would read as its own, outside of backquotes.
func mdText(text string) string {
	escape := strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`, "|", `\|`, "[", `\[`)
	return marked(text, mdCode, escape.Replace)
}

func mdCode(s string) string { return "`" + s + "`" }

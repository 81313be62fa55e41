package grammar

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
)

// helpColumn is where explanations begin, and maxLabel the longest label that
// stands on one line with its explanation.
const (
	helpColumn = 28
	maxLabel   = helpColumn - 4
)

// WriteHelp answers a [HelpRequest] in plain text of at most width columns:
// the program's commands and options, the verbs of a group, a command, or what
// may follow at a place within it.
func (t Table[R]) WriteHelp(w io.Writer, m *Manual, h *HelpRequest, width int) error {
	out := &helpWriter{printer{bufio.NewWriter(w)}, width}
	var command *Command[R]
	for i := range t {
		if t[i].Title() == h.Command {
			command = &t[i]
		}
	}
	switch {
	case h.Command == "":
		out.program(m, h.Items)
	case command == nil:
		out.group(m, h)
	case len(h.Read) == 0:
		out.command(m, command.doc(m))
	default:
		out.place(m, h)
	}
	return out.Flush()
}

// printer keeps the first error for Flush.
type printer struct{ *bufio.Writer }

func (p printer) printf(format string, args ...any) { fmt.Fprintf(p.Writer, format, args...) }

type helpWriter struct {
	printer
	width int
}

func (w *helpWriter) program(m *Manual, items []Item) {
	w.printf("%s: %s\n\nUsage: %[1]s [ OPTIONS ] COMMAND ...\n", m.Program, m.Summary)
	w.items("Commands", items)
	w.WriteString("\nOptions, before the command or after it, with one dash or two:\n")
	for _, o := range m.Options {
		w.row(o.label(), plainText(o.Help))
	}
	w.printf("\nWords may be shortened. For more: %s COMMAND help\n", m.Program)
}

func (w *helpWriter) group(m *Manual, h *HelpRequest) {
	w.printf("Usage: %s %s COMMAND ...\n", m.Program, h.Command)
	w.items("Commands", h.Items)
	w.printf("\nFor more: %s %s COMMAND help\n", m.Program, h.Command)
}

func (w *helpWriter) command(m *Manual, c commandDoc) {
	usage := Synopsis(m.Program+" "+c.title, c.root, w.width-7)
	usage = strings.ReplaceAll(strings.TrimSuffix(usage, "\n"), "\n", "\n       ")
	w.WriteString("Usage: " + strings.ReplaceAll(usage, "\n       \n", "\n\n") + "\n\n" + fill(sentence(plainText(c.summary)), w.width, 0) + "\n")
	paragraphs(c.description,
		func(text string) { w.WriteString("\n" + fill(plainText(text), w.width, 0) + "\n") },
		func(lines string) { w.WriteString("\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n") })
	for _, p := range parts(c.root) {
		w.printf("\n%s:\n", cmp.Or(p.name, "Words"))
		for _, e := range p.entries {
			w.row(plain(e.label), plainText(e.help))
		}
	}
	if len(c.options) > 0 {
		w.printf("\nOptions, beside those of every command (%s help):\n", m.Program)
	}
	for _, o := range c.options {
		w.row(o.label(), plainText(o.Help))
	}
	if len(c.examples) > 0 {
		w.WriteString("\nExamples:\n")
	}
	for _, e := range c.examples {
		w.printf("  %s\n      %s\n", e.Line, fill(plainText(e.Help), w.width-6, 6))
	}
}

func (w *helpWriter) place(m *Manual, h *HelpRequest) {
	line := strings.Join(append([]string{m.Program, h.Command}, h.Read...), " ")
	if len(h.Items) == 0 {
		w.printf("Nothing more may follow: %s\n", line)
		return
	}
	w.printf("%s ...\n", line)
	w.items("May follow", h.Items)
}

func (w *helpWriter) items(head string, items []Item) {
	w.printf("\n%s:\n", head)
	for _, i := range items {
		w.row(i.Syntax, plainText(i.Help+also(append([]string{i.Name}, i.Other...))))
	}
}

// row writes a label and its explanation in two columns.
func (w *helpWriter) row(label, text string) {
	switch {
	case text == "":
		w.printf("  %s\n", label)
	case len(label) > maxLabel:
		w.printf("  %s\n%*s%s\n", label, helpColumn, "", fill(text, w.width-helpColumn, helpColumn))
	default:
		w.printf("  %-*s%s\n", helpColumn-2, label, fill(text, w.width-helpColumn, helpColumn))
	}
}

func plainText(s string) string { return strings.ReplaceAll(s, "`", "") }

// fill breaks text into lines of width columns, the later ones indented.
func fill(text string, width, indent int) string {
	var words []token
	for word := range strings.FieldsSeq(text) {
		words = append(words, token{text: word})
	}
	var lines []string
	for _, line := range wrap(words, width, width) {
		lines = append(lines, plain(line))
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

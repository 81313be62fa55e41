// Package graph draws a BPF object: who calls whom, and the flow of control in
// one program, for Graphviz (DOT) and for Mermaid.
package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Format is a language for graphs.
type Format int

// The languages.
const (
	DOT     Format = iota // graphviz.org
	Mermaid               // mermaid.js.org, which forges draw in Markdown
)

// String returns "dot" or "mermaid".
func (f Format) String() string {
	if f == Mermaid {
		return "mermaid"
	}
	return "dot"
}

// shape is how a node is drawn.
type shape int

const (
	box     shape = iota // a program, a block of code
	round                // a function
	store                // a map
	outside              // a function of the kernel
)

// node has lines of text.
type node struct {
	shape shape
	text  []string
	code  bool // lines of code: in a fixed font, flush left
}

type edge struct {
	from, to int
	text     string
	dotted   bool
}

// graph is what is drawn.
type graph struct {
	name  string
	nodes []node
	edges []edge
	drawn map[edge]bool
}

func (g *graph) add(n node) int {
	g.nodes = append(g.nodes, n)
	return len(g.nodes) - 1
}

// link adds an edge, once.
func (g *graph) link(e edge) {
	if g.drawn == nil {
		g.drawn = make(map[edge]bool)
	}
	if !g.drawn[e] {
		g.drawn[e] = true
		g.edges = append(g.edges, e)
	}
}

func (g *graph) write(w io.Writer, f Format) error {
	b := bufio.NewWriter(w)
	if f == Mermaid {
		g.mermaid(b)
	} else {
		g.dot(b)
	}
	return b.Flush()
}

func (g *graph) dot(w *bufio.Writer) {
	fmt.Fprintf(w, "digraph %s {\n", dotQuote(g.name))
	fmt.Fprint(w, "\tnode [fontname=\"monospace\"];\n\tedge [fontname=\"monospace\"];\n")
	for i, n := range g.nodes {
		fmt.Fprintf(w, "\tn%d [%s, label=%s];\n", i, [...]string{
			"shape=box", "shape=box, style=rounded", "shape=cylinder", "shape=hexagon",
		}[n.shape], dotLines(n))
	}
	for _, e := range g.edges {
		var attributes []string
		if e.text != "" {
			attributes = append(attributes, "label="+dotQuote(e.text))
		}
		if e.dotted {
			attributes = append(attributes, "style=dashed")
		}
		fmt.Fprintf(w, "\tn%d -> n%d", e.from, e.to)
		if len(attributes) > 0 {
			fmt.Fprintf(w, " [%s]", strings.Join(attributes, ", "))
		}
		fmt.Fprint(w, ";\n")
	}
	fmt.Fprint(w, "}\n")
}

// dotLines ends each line of code so that it is set flush left.
func dotLines(n node) string {
	end := `\n`
	if n.code {
		end = `\l`
	}
	var b strings.Builder
	for i, line := range n.text {
		b.WriteString(dotEscape(line))
		if n.code || i+1 < len(n.text) {
			b.WriteString(end)
		}
	}
	return `"` + b.String() + `"`
}

func dotQuote(s string) string { return `"` + dotEscape(s) + `"` }

func dotEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(naming.OneLine(s))
}

func (g *graph) mermaid(w *bufio.Writer) {
	fmt.Fprint(w, "flowchart TD\n")
	for i, n := range g.nodes {
		lines := make([]string, len(n.text))
		for j, line := range n.text {
			lines[j] = mermaidEscape(line)
		}
		around := [...][2]string{{`["`, `"]`}, {`("`, `")`}, {`[("`, `")]`}, {`{{"`, `"}}`}}[n.shape]
		fmt.Fprintf(w, "    n%d%s%s%s\n", i, around[0], strings.Join(lines, "<br/>"), around[1])
	}
	for _, e := range g.edges {
		arrow := "-->"
		if e.dotted {
			arrow = "-.->"
		}
		if e.text != "" {
			arrow += `|"` + mermaidEscape(e.text) + `"|`
		}
		fmt.Fprintf(w, "    n%d %s n%d\n", e.from, arrow, e.to)
	}
}

// mermaidEscape writes what has a meaning in Mermaid or HTML by its number.
func mermaidEscape(s string) string {
	return strings.NewReplacer(`"`, "#34;", "<", "#60;", ">", "#62;", "&", "#38;", "#", "#35;", ";", "#59;", "`", "#96;", "\n", " ").Replace(naming.OneLine(s))
}

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

	escapes *strings.Replacer
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
		g.escapes = strings.NewReplacer(`"`, "#34;", "<", "#60;", ">", "#62;", "&", "#38;", "#", "#35;", ";", "#59;", "`", "#96;")
		g.mermaid(b)
	} else {
		g.escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
		g.dot(b)
	}
	return b.Flush()
}

func (g *graph) dot(w *bufio.Writer) {
	fmt.Fprintf(w, "digraph %s {\n", g.quote(g.name))
	fmt.Fprint(w, "\tnode [fontname=\"monospace\"];\n\tedge [fontname=\"monospace\"];\n")
	for i, n := range g.nodes {
		fmt.Fprintf(w, "\tn%d [%s, label=%s];\n", i, [...]string{
			"shape=box", "shape=box, style=rounded", "shape=cylinder", "shape=hexagon",
		}[n.shape], g.lines(n))
	}
	for _, e := range g.edges {
		var attributes []string
		if e.text != "" {
			attributes = append(attributes, "label="+g.quote(e.text))
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

// lines ends each line of code so that it is set flush left.
func (g *graph) lines(n node) string {
	end := `\n`
	if n.code {
		end = `\l`
	}
	var b strings.Builder
	for i, line := range n.text {
		b.WriteString(g.escape(line))
		if n.code || i+1 < len(n.text) {
			b.WriteString(end)
		}
	}
	return `"` + b.String() + `"`
}

func (g *graph) quote(s string) string { return `"` + g.escape(s) + `"` }

// escape writes what has a meaning in the language of the graph in another way.
func (g *graph) escape(s string) string { return g.escapes.Replace(naming.OneLine(s)) }

func (g *graph) mermaid(w *bufio.Writer) {
	fmt.Fprint(w, "flowchart TD\n")
	for i, n := range g.nodes {
		lines := make([]string, len(n.text))
		for j, line := range n.text {
			lines[j] = g.escape(line)
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
			arrow += `|"` + g.escape(e.text) + `"|`
		}
		fmt.Fprintf(w, "    n%d %s n%d\n", e.from, arrow, e.to)
	}
}

package elfcmd

import (
	"context"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/graph"
	"github.com/xdpload/xdpload/internal/grammar"
)

type elfGraphRequest struct {
	subject.ELFFile
	Format graph.Format
	Flow   bool
}

// Graph is the command elf graph, which draws an object or one program.
func Graph() env.Command {
	return env.Command{
		Name:        "elf graph",
		Summary:     "draw who calls whom in an object file",
		Description: `Draws the programs, the functions that they call, the maps that they use and the slots of program arrays; or the flow of control in one program. The text is for Graphviz, or for Mermaid, which code forges draw where it appears in Markdown.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf graph foo.o | dot -Tsvg -o foo.svg", Help: "a picture of an object"},
			{Line: "xdpload elf graph foo.o program xdp_main flow mermaid", Help: "the flow of control in one program"},
		},
		New: env.New(func(r *elfGraphRequest) *grammar.Node {
			return grammar.Seq(r.FileGrammar(), grammar.Any(
				r.ProgramGrammar(),
				grammar.Flag("flow", &r.Flow).Help("the basic blocks of the program, not its calls"),
				grammar.Alt(
					grammar.Const("dot", &r.Format, graph.DOT).Help("for Graphviz; the default"),
					grammar.Const("mermaid", &r.Format, graph.Mermaid).Help("for Mermaid"),
				),
			))
		}),
	}
}

func (r *elfGraphRequest) Run(_ context.Context, e *env.Env) (any, error) {
	o, err := r.Open(e)
	if err != nil {
		return nil, err
	}
	p, err := r.Chosen(o)
	if err != nil {
		return nil, err
	}
	if r.Flow && p == nil {
		only, err := o.Program(elf.Selector{})
		if err != nil {
			return nil, err
		}
		p = &only
	}
	return subject.TextOf(o.Name(), func(w io.Writer) error {
		if r.Flow {
			return graph.Flow(w, o, r.Format, *p)
		}
		return graph.Calls(w, o, r.Format, p)
	})
}

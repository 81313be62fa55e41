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
	p, err := r.chosen(o)
	if err != nil {
		return nil, err
	}
	return subject.TextOf(o.Name(), func(w io.Writer) error {
		if r.Flow {
			return graph.Flow(w, o, r.Format, *p)
		}
		return graph.Calls(w, o, r.Format, p)
	})
}

// chosen finds the program or function that was named. Without a name it is nil, and the
// only one for a flow of control.
func (r *elfGraphRequest) chosen(o *elf.Object) (*elf.Program, error) {
	if r.Program == "" && !r.Flow {
		return nil, nil //nolint:nilnil // no program is not a failure
	}
	for _, p := range o.Subprograms() {
		if p.Name == r.Program {
			return &p, nil
		}
	}
	p, err := o.Program(elf.Selector{Program: r.Program})
	return &p, err
}

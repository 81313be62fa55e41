package elfcmd

import (
	"context"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf/rewrite"
	"github.com/xdpload/xdpload/internal/grammar"
)

type elfConvertRequest struct {
	subject.ELFFile
	Output subject.OutputFile
}

// Convert is the command elf convert, which rewrites iproute2's maps for today's loaders.
func Convert() env.Command {
	return env.Command{
		Name:    "elf convert",
		Summary: "rewrite an object file with iproute2's maps for today's loaders",
		Description: `Writes the object with the maps of its "maps" section defined in section ".maps" and described by BTF, as libbpf from 1.0 on and cilium/ebpf want them. Pinned maps are pinned by name; the slots of program arrays that iproute2 fills from sections "ID/KEY", and inner maps, become initial values. The code stays as it is; a program of a section "ID/KEY" is afterwards in the section of the program that tail-calls into the array, and one whose section libbpf would not know ("xdp/drop") in the one that it knows ("xdp").

What cannot be said in the new style is printed as a warning.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf convert old.o -o new.o", Help: "an object that libbpf 1.0 loads"},
		},
		New: env.New(func(r *elfConvertRequest) *grammar.Node {
			return grammar.Seq(r.FileGrammar(), grammar.Any(r.Output.Grammar().Required()))
		}),
	}
}

func (r *elfConvertRequest) Run(_ context.Context, e *env.Env) (any, error) {
	o, err := r.Open(e)
	if err != nil {
		return nil, err
	}
	c, err := rewrite.Convert(o)
	if err != nil {
		return nil, err
	}
	for _, note := range c.Notes {
		e.Warn("%s", note)
	}
	return nil, r.Output.Write(e, c.Image)
}

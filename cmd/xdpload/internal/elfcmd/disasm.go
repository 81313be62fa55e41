package elfcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/elf/rewrite"
	"github.com/xdpload/xdpload/internal/grammar"
)

type elfDisasmRequest struct {
	subject.ELFFile
	Options listing.Options
}

// Disasm is the command elf disasm, which writes an object as a listing.
func Disasm() env.Command {
	return env.Command{
		Name:    "elf disasm|dump",
		Summary: "show the instructions of an object file",
		Description: `Shows the instructions as the kernel's verifier and bpftool write them, with labels, and with the names of helpers, functions, maps and variables; relocations are left as the compiler made them. Without a section or program it is the whole object, with its data.

The text is what "elf asm" reads: with types it makes every section that a loader reads of it, byte for byte. Debug information and sections without bytes are left out. What follows a semicolon is a comment.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf disasm foo.o program xdp_main source", Help: "one program, with the lines of its source"},
			{Line: "xdpload elf disasm foo.o types", Help: "all of an object, to be edited and assembled"},
		},
		New: env.New(func(r *elfDisasmRequest) *grammar.Node {
			return grammar.Seq(r.FileGrammar(), grammar.Any(
				grammar.Key("section", "NAME", grammar.String(&r.Section)).Completes(grammar.Section).Help("only this section"),
				r.ProgramGrammar(),
				grammar.Flag("source", &r.Options.Source).Help("the lines of the source, where the object has them"),
				grammar.Flag("raw", &r.Options.Raw).Help("the offset and the bytes of each instruction"),
				grammar.Flag("types", &r.Options.Types).Help("the BTF too, as bytes"),
			))
		}),
	}
}

func (r *elfDisasmRequest) Run(_ context.Context, e *env.Env) (any, error) {
	o, err := r.Open(e)
	if err != nil {
		return nil, err
	}
	r.Options.Section, r.Options.Program = r.Section, r.Program
	return subject.TextOf(o.Name(), func(w io.Writer) error { return listing.Write(w, o, r.Options) })
}

type elfAsmRequest struct {
	subject.ELFFile
	Output subject.OutputFile
}

// Asm is the command elf asm, which makes an object of a listing.
func Asm() env.Command {
	return env.Command{
		Name:        "elf asm|assemble",
		Options:     "replace",
		Summary:     "make an object file of a listing",
		Description: `Makes an object file of what "elf disasm" prints, or of a text that was written like it. An error names its line.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf asm foo.s -o foo.o", Help: "assemble a file"},
		},
		New: env.New(func(r *elfAsmRequest) *grammar.Node {
			file := grammar.Value("FILE", grammar.String(&r.File)).Completes(grammar.File).
				Help("a listing, or - for standard input")
			return grammar.Seq(file, grammar.Any(r.Output.Grammar().Required()))
		}),
	}
}

func (r *elfAsmRequest) Run(_ context.Context, e *env.Env) (any, error) {
	in, err := e.Input(r.File)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := listing.Assemble(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", subject.InputName(r.File), err)
	}
	return nil, r.Output.Write(e, b)
}

type elfConvertRequest struct {
	subject.ELFFile
	Output subject.OutputFile
}

// Convert is the command elf convert, which rewrites iproute2's maps for today's loaders.
func Convert() env.Command {
	return env.Command{
		Name:    "elf convert",
		Options: "replace",
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

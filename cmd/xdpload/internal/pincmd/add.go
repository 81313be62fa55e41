package pincmd

import (
	"context"
	"fmt"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

type pinAddRequest struct {
	Path    string
	Program subject.ProgRef
	Map     subject.MapRef
	Link    subject.LinkRef
}

// Add is the command pin add, which pins what is in the kernel.
func Add() env.Command {
	return env.Command{
		Name:        "pin add",
		Summary:     "give a program, a map or a bpf_link that is in the kernel a name",
		Description: `Pins it at PATH, in addition to the pins that it has: it stays until that is removed, whatever becomes of the hook or process that held it. Directories that are missing are made. A name that is taken is refused.`,
		Examples: []grammar.Example{
			{Line: "xdpload pin add /sys/fs/bpf/count prog name xdp_count", Help: "keep a program that runs on a device"},
			{Line: "xdpload pin add m:globals/stats map prog:xdp_count/stats", Help: "its map, for other objects that ask for one of this name"},
			{Line: "xdpload pin add /sys/fs/bpf/link link id 7", Help: "a bpf_link, so that it outlives the process that holds it"},
		},
		New: env.New(func(r *pinAddRequest) *grammar.Node {
			return grammar.Seq(
				grammar.Value("PATH", grammar.String(&r.Path)).Completes(grammar.File).
					Help("a path, which may begin at the BPF file system's root, or m:REST below the BPF file system's tc directory"),
				grammar.Alt(
					grammar.Word("prog", r.Program.Grammar().Named("PROGRAM")).Alias("program").Help("a program"),
					grammar.Word("map", r.Map.Grammar()).Help("a map"),
					grammar.Word("link", r.Link.Grammar()).Help("a bpf_link"),
				),
			)
		}),
	}
}

// A pinnable is open, and can have a name.
type pinnable interface {
	pin.Pinner
	io.Closer
}

func (r *pinAddRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	root, path, err := open(e, r.Path)
	if err != nil {
		return nil, err
	}
	object, err := r.open(e)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	if err := root.Pin(ctx, path, object); err != nil {
		return nil, err
	}
	for entry, err := range root.Walk(path) {
		return &pinAddReport{newPinInfo(entry, err)}, nil
	}
	return nil, fmt.Errorf("%s: pinned, and removed by someone else", path)
}

// open opens what is to be pinned.
func (r *pinAddRequest) open(e *env.Env) (pinnable, error) {
	switch {
	case r.Program != subject.ProgRef{}:
		p, err := r.Program.Open(e)
		if err != nil {
			return nil, err
		}
		return p.Program, nil
	case !r.Map.Empty():
		return r.Map.Open(e)
	}
	return r.Link.Open(e)
}

// pinAddReport is the new pin.
type pinAddReport struct{ *pinInfo }

func (*pinAddReport) Changes() {}

// WriteText prints one line.
func (r *pinAddReport) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%s: pinned %v\n", r.Path, r.pinInfo)
}

package pincmd

import (
	"context"
	"errors"
	"os"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

type pinGCRequest struct {
	DryRun  bool
	Objects bool
}

// GC is the command pin gc, which removes what killed loads have left.
func GC() env.Command {
	return env.Command{
		Name:        "pin gc",
		Summary:     "remove what killed loads and vanished programs have left",
		Description: `Takes back the pins of a load whose process was killed before it was done, and removes the program arrays that were kept alive for programs that are gone, and the pins of bpf_links that hold nothing any more because their device is gone or they were detached. A program that is an element of its own array keeps itself alive when its load is killed, or when another tool takes it off: pin show lists that array below xdpload/owned, and pin rm of it lets both go. With objects, so do the directories of object files (PIN_OBJECT_NS) whose maps no loaded program uses.`,
		Examples: []grammar.Example{
			{Line: "xdpload pin gc -n", Help: "only list what would be removed"},
		},
		New: env.New(func(r *pinGCRequest) *grammar.Node {
			return grammar.Any(
				grammar.Flag("-n", &r.DryRun).Alias("--dry-run").Help("only list"),
				grammar.Flag("objects", &r.Objects).Help("also maps of object files that no program uses"),
			)
		}),
	}
}

func (r *pinGCRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	root, err := pin.Open(subject.Bpffs(e))
	if err != nil {
		return nil, err
	}
	found, err := root.GC(ctx, pin.GCOptions{DryRun: r.DryRun, Objects: r.Objects})
	out := render.List[garbage]{}
	for _, g := range found {
		out = append(out, garbage{Path: g.Path, Reason: g.Reason, Removed: !r.DryRun})
	}
	return out, err
}

// garbage is something that was, or would be, removed.
type garbage struct {
	Path    string     `json:"path"`
	Reason  pin.Reason `json:"reason"`
	Removed bool       `json:"removed"`
}

// WriteText prints a line.
func (g garbage) WriteText(t *render.Text, _ render.Options) {
	verb := "would remove"
	if g.Removed {
		verb = "removed"
	}
	t.Printf("%s %s: %v\n", verb, g.Path, g.Reason)
}

type pinRmRequest struct {
	Paths    []string
	All      bool
	IfExists bool
}

// Remove is the command pin rm, which removes pins.
func Remove() env.Command {
	return env.Command{
		Name:        "pin rm|remove|delete",
		Summary:     "remove pins, or directories of pins",
		Description: `Removes the name, with -r a directory and all that is below it: the map or program stays as long as a hook, a program or a process holds it. Program arrays that were kept alive for a program go with its last pin when nothing else runs it.`,
		Examples: []grammar.Example{
			{Line: "xdpload pin rm m:globals/stats", Help: "the next load creates the map again"},
		},
		New: env.New(func(r *pinRmRequest) *grammar.Node {
			return grammar.Seq(
				grammar.Any(
					grammar.Flag("-r", &r.All).Help("a directory, and all that is below it"),
					grammar.Flag("if-exists", &r.IfExists).Exact().Help("no error about what is not there"),
				),
				grammar.Value("PATH", grammar.Append(&r.Paths)).Completes(grammar.Pinned).Repeat().
					Help("a path, which may begin at the BPF file system's root, or m:REST below the BPF file system's tc directory"),
			)
		}),
	}
}

func (r *pinRmRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	for _, path := range r.Paths {
		if err := r.remove(ctx, e, path); err != nil && !(r.IfExists && errors.Is(err, os.ErrNotExist)) {
			return nil, err
		}
	}
	return nil, nil
}

func (r *pinRmRequest) remove(ctx context.Context, e *env.Env, path string) error {
	root, path, err := open(e, path)
	if err != nil {
		return err
	}
	if !r.All {
		program := pinnedProgram(path)
		return release(ctx, e, root.Remove(path), program)
	}
	var programs []*prog.Info
	for entry, err := range root.Walk(path) {
		if err == nil && entry.Kind == pin.Program {
			programs = append(programs, pinnedProgram(entry.Path))
		}
	}
	return release(ctx, e, root.RemoveAll(ctx, path), programs...)
}

// release lets go of what was kept alive for programs, nil for none, if their pins
// could be removed.
func release(ctx context.Context, e *env.Env, removed error, programs ...*prog.Info) error {
	for _, p := range programs {
		if p == nil || removed != nil {
			continue
		}
		conn, err := e.Netlink()
		if err != nil {
			return err
		}
		subject.Release(ctx, e, conn, p)
	}
	return removed
}

// pinnedProgram is nil for a pin that is not of a program.
func pinnedProgram(path string) *prog.Info {
	p, err := prog.OpenPinned(path, ebpf.UnspecifiedProgram)
	if err != nil {
		return nil
	}
	defer p.Close()
	return &p.Info
}

package subject

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// ProgramRequest says which program a command is about: of an object file,
// pinned, or inherited as a file descriptor.
type ProgramRequest struct {
	File    string
	Section string
	Program string
	As      ebpf.ProgramType // whatever it says of itself; 0 without the word
	Verbose bool
	Bound   bool // to the device, and run by the kernel
	Load    LoadRequest
	FD      *int    // nil without
	Export  string  // the socket that the maps are sent to
	Loaded  ProgRef // a program that is there

	Alone bool // not shared with other lines of a batch

	read       *elf.Object // once it has been
	Prefetched *Prefetch   // nil for what is loaded at the line's turn
}

// Grammar is the alternatives of BPFSPEC that name a program. more are options
// of an object file that not every hook has.
func (r *ProgramRequest) Grammar(more ...*grammar.Node) []*grammar.Node {
	options := func() *grammar.Node { return r.options(more) }
	return slices.Concat([]*grammar.Node{r.ObjectGrammar("load a program from an object file", options)}, r.OpenGrammar(), []*grammar.Node{
		grammar.Key("fd", "N", r.setFD).
			Help("the program behind this file descriptor, which the process inherited; a path is that of a pinned program, as for iproute2"),
	})
}

// OpenGrammar is the alternatives that name a program which is there.
func (r *ProgramRequest) OpenGrammar() []*grammar.Node {
	return append([]*grammar.Node{
		grammar.Key("object-pinned", "PATH", grammar.String(&r.Loaded.Pinned)).Alias("pinned").Completes(grammar.Pinned).
			Help("the program that is pinned at this path; m:REST is below the BPF file system's tc directory"),
	}, r.Loaded.loadedGrammar()...)
}

// options are those of an object file.
func (r *ProgramRequest) options(more []*grammar.Node) *grammar.Node {
	return grammar.Any(slices.Concat(r.choice(), []*grammar.Node{r.VerboseGrammar()}, r.Load.Grammar(), more)...)
}

// VerboseGrammar is the word verbose.
func (r *ProgramRequest) VerboseGrammar() *grammar.Node {
	return grammar.Flag("verbose", &r.Verbose).Help("print the verifier's whole log")
}

func (r *ProgramRequest) setFD(word string) error {
	if strings.Contains(word, "/") {
		r.Loaded.Pinned = word
		return nil
	}
	return grammar.Pointer(&r.FD, 0, math.MaxInt32)(word)
}

// Object reads the object file, once.
func (r *ProgramRequest) Object(e *env.Env) (_ *elf.Object, err error) {
	if r.read == nil {
		r.read = r.Prefetched.Object()
	}
	switch {
	case r.read != nil:
	case r.File == "-":
		r.read, err = elf.ReadStream(e.Stdin, r.Name())
	default:
		r.read, err = elf.Open(r.File)
	}
	if err != nil {
		return nil, &env.ObjectError{Object: r.Name(), Err: err}
	}
	return r.read, nil
}

// Name is what the program is called in messages.
func (r *ProgramRequest) Name() string {
	switch {
	case r.Loaded.Pinned != "":
		return r.Loaded.Pinned
	case r.FD != nil:
		return fmt.Sprintf("fd %d", *r.FD)
	case r.Loaded.ID != 0:
		return fmt.Sprintf("id %d", r.Loaded.ID)
	case r.Loaded.Name != "":
		return "name " + r.Loaded.Name
	case r.File == "-":
		return "standard input"
	}
	return r.File
}

// Loaded is a program that is open, or loaded for no hook.
type Loaded struct {
	*prog.Program
	Close func() error
}

// Open loads the program, or opens the one that is there. ifindex is that of
// the device that shall run it itself, 0 for the kernel.
func (r *ProgramRequest) Open(ctx context.Context, e *env.Env, want ebpf.ProgramType, ifindex int) (*Loaded, error) {
	if r.File == "" {
		p, err := r.opened(e, want)
		if err != nil {
			return nil, err
		}
		return &Loaded{Program: p, Close: p.Close}, nil
	}
	if err := r.CheckType(want); err != nil {
		return nil, err
	}
	obj, err := r.Object(e)
	if err != nil {
		return nil, err
	}
	o := r.Options(e, want, ifindex)
	progress := e.Progress("loading " + r.Name())
	l, err := load.Load(ctx, obj, o)
	progress.Done()
	if err != nil {
		return nil, r.Failed(obj, o.Select, err)
	}
	r.Tell(e, l)
	return &Loaded{Program: l.Program(), Close: l.Close}, nil
}

// opened opens a program that is not of an object file.
func (r *ProgramRequest) opened(e *env.Env, want ebpf.ProgramType) (p *prog.Program, err error) {
	if r.FD != nil {
		p, err = prog.OpenFD(*r.FD, want)
	} else {
		p, err = r.Loaded.openAs(e, want)
	}
	if err != nil {
		return nil, &env.ObjectError{Object: r.Name(), Err: err}
	}
	return p, nil
}

// Release lets go of what was kept alive for a program that a hook ran. That it cannot be let go
// of is a warning, since what was asked for is done: a later release or pin gc finds what stays.
func Release(ctx context.Context, e *env.Env, conn *netlink.Conn, p *prog.Info) {
	if err := attach.Release(ctx, conn, Bpffs(e), *p); err != nil {
		e.Warn("%v", err)
	}
}

// Options are those of the load for a hook that wants this type of program. ifindex is
// as for Open.
func (r *ProgramRequest) Options(e *env.Env, want ebpf.ProgramType, ifindex int) load.Options {
	o := r.Load.Options(e)
	o.Select = r.Selector(want)
	o.Verbose = r.Verbose
	o.Ifindex, o.BoundOnly = ifindex, r.Bound
	if r.Export != "" {
		o.Loaded = func(l *load.Loaded) error { return exportMaps(r.Export, r.File, r.read, l) }
	}
	return o
}

// Selector finds the program in its object, for a hook that wants this type.
func (r *ProgramRequest) Selector(want ebpf.ProgramType) elf.Selector {
	return elf.Selector{Section: r.Section, Program: r.Program, Type: cmp.Or(want, r.As), Force: r.As != ebpf.UnspecifiedProgram}
}

// Failed adds to an error which program of the object it is about.
func (r *ProgramRequest) Failed(obj *elf.Object, s elf.Selector, err error) error {
	if why := TooOld(obj, err); why != "" {
		err = env.WithHints(err, why)
	}
	failure := &env.ObjectError{Object: r.Name(), Verbose: r.Verbose, Err: err}
	if p, err := obj.Program(s); err == nil {
		failure.Program = p.Name
	}
	return failure
}

// Bpffs is the root of the BPF file system.
func Bpffs(e *env.Env) string {
	return cmp.Or(e.BPFFS, os.Getenv("TC_BPF_MNT"), pin.DefaultRoot)
}

// PinPath resolves iproute2's "m:REST".
func PinPath(e *env.Env, path string) string {
	if rest, ok := strings.CutPrefix(path, "m:"); ok {
		return Bpffs(e) + "/tc/" + rest
	}
	return path
}

package tccmd

import (
	"cmp"
	"context"
	"errors"
	"math"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// graftRequest puts a program into a pinned program array.
type graftRequest struct {
	Path    string
	Key     *uint32
	Program subject.ProgramRequest
}

func graftCommand() env.Command {
	return env.Command{
		Name:    "tc exec bpf graft",
		Summary: "replace a program of a pinned program array",
		Description: `Loads a program and puts it into one element of a program array, so that tail calls to that key run it from then on, with no moment in between in which they run neither. Without a key it is the KEY of the program's section ID/KEY.

The program is of the type that the array takes, or of the given one. Nothing is loaded when there is no such array or key.`,
		Examples: []grammar.Example{
			{Line: "xdpload tc exec bpf graft m:globals/jmp key 0 obj foo.o sec parse", Help: "have tail calls to 0 run parse"},
			{Line: "xdpload tc exec bpf graft m:globals/jmp obj foo.o sec 7/1", Help: "the same for key 1, which the section names"},
		},
		New: env.New((*graftRequest).Grammar),
	}
}

func (r *graftRequest) Grammar() *grammar.Node {
	return grammar.Seq(
		grammar.Value("MAP", grammar.String(&r.Path)).Completes(grammar.Pinned).
			Help("the path at which the program array is pinned; m:REST is below the BPF file system's tc directory"),
		grammar.Any(
			grammar.Key("key", "N", grammar.Pointer(&r.Key, 0, math.MaxUint32)).Help("the element"),
			grammar.Alt(r.Program.Grammar()...).Named("PROGRAM").Required(),
		),
	)
}

func (r *graftRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	key, err := r.key()
	if err != nil {
		return nil, err
	}
	array, err := prog.OpenProgramArray(subject.PinPath(e, r.Path))
	if err != nil {
		return nil, err
	}
	defer array.Close()
	t := cmp.Or(r.Program.As, array.Owner, ebpf.SchedCLS)
	if err := array.Check(key, t); err != nil {
		return nil, err
	}
	report := &graftReport{Path: array.Path, MapID: array.ID, Key: key}
	put := func(p *prog.Program) error {
		old, err := array.Put(key, p)
		report.Program, report.Replaced = subject.ReportProgram(&p.Info), subject.ReportProgram(old)
		return err
	}
	if r.Program.File != "" {
		return report, r.load(ctx, e, t, put)
	}
	p, err := r.Program.Open(ctx, e, t, 0)
	if err != nil {
		return nil, err
	}
	defer p.Close() //nolint:errcheck // a descriptor of ours only
	return report, put(p.Program)
}

// load tries the ways to load the program until the array takes it.
func (r *graftRequest) load(ctx context.Context, e *env.Env, t ebpf.ProgramType, put func(*prog.Program) error) error {
	var first error
	for _, adapt := range prog.Variants(t) {
		err := r.loadAs(ctx, e, t, adapt, put)
		if err == nil {
			return nil
		}
		if first = cmp.Or(first, err); !errors.Is(err, unix.EINVAL) {
			break
		}
	}
	return first
}

// loadAs pins what the object pins, around put.
func (r *graftRequest) loadAs(ctx context.Context, e *env.Env, t ebpf.ProgramType, adapt func(*ebpf.ProgramSpec), put func(*prog.Program) error) error {
	obj, err := r.Program.Object(e)
	if err != nil {
		return err
	}
	o := r.Program.Options(e, t, 0)
	o.Adapt, o.KeepSlots = adapt, true // one element changes
	l, err := load.Load(ctx, obj, o)
	if err != nil {
		return r.Program.Failed(obj, o.Select, err)
	}
	r.Program.Tell(e, l)
	if err = l.Publish(ctx); err == nil {
		err = put(l.Program())
	}
	if err == nil {
		err = l.Commit()
	}
	return errors.Join(err, l.Close())
}

// key is the one that is given, or that of a section ID/KEY.
func (r *graftRequest) key() (uint32, error) {
	if r.Key != nil {
		return *r.Key, nil
	}
	id, key, _ := strings.Cut(r.Program.Section, "/")
	_, err := grammar.ParseNumber[uint32](id, 0, math.MaxUint32)
	n, keyErr := grammar.ParseNumber[uint32](key, 0, math.MaxUint32)
	if err != nil || keyErr != nil {
		return 0, errors.New("no key: say key N, or load a section ID/KEY such as 7/1")
	}
	return n, nil
}

// graftReport is what changed in an array.
type graftReport struct {
	Path     string                 `json:"pinned" always:"%s: "`
	MapID    uint32                 `json:"map_id"`
	Key      uint32                 `json:"key" always:"key %d "`
	Program  *subject.ProgramReport `json:"program" always:"runs program %v"`
	Replaced *subject.ProgramReport `json:"replaced,omitempty" text:", replaced program %v"`
}

func (*graftReport) Changes() {}

// WriteText prints one line.
func (r *graftReport) WriteText(t *render.Text, _ render.Options) {
	t.Fields(r)
	t.WriteByte('\n')
}

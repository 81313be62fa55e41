package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/sys"
)

// VerifyOptions says which programs of an object are verified, and how. The
// zero value takes every program as what its section says it is.
type VerifyOptions struct {
	// Select chooses by section, all programs that are in it, by name, or both.
	// Its Type is that of programs whose section does not tell one.
	Select elf.Selector
	// Types are those of another kernel, for CO-RE relocations to be resolved
	// against. The verifier, kfuncs and targets of programs stay this kernel's.
	Types *btf.Spec
	// Variables are set in the programs that use them.
	Variables []Variable
	// MaxEntries is how many entries maps have, by name, if not what the object says.
	MaxEntries map[string]uint32
	// Ifindex is the device that XDP programs are bound to, 0 for none: they
	// are verified with what its driver offers (BPF_F_XDP_DEV_BOUND_ONLY, Linux 6.3).
	Ifindex int
	// Jobs bounds how many programs are verified at a time, nil for as many as Go may use.
	Jobs Jobs
	// Progress, if not nil, is called when a program is done: how many are, of how many.
	// Several goroutines call it at a time.
	Progress func(done, of int)
	// Verbose is for the whole log also of a program that is too much for the verifier.
	Verbose bool
}

// A VerifyResult is what this kernel says of one program.
type VerifyResult struct {
	Program elf.Program // with the type as which it was verified
	// Skipped is why the kernel was not asked, "" when it was.
	Skipped string
	// Err is why the kernel rejects the program, a [*Error], nil if it
	// does not. It wraps an [*ebpf.VerifierError] with the log of the failing path
	// where the verifier is the one who refuses.
	Err error
	// Cause is the verifier's last sentence about a program that it refuses, and
	// Source the line that it was at: "return data[100]; @ rejected.c:12".
	Cause, Source string
	// Cost is what the verifier did, up to a refusal.
	Cost VerifierStats
}

// Verify has the kernel verify programs of the object, in parallel on as many
// threads as Go may use, and keeps none of them. Nothing is attached, pinned or
// reused: maps are made for this call, shared by the programs but for those
// that hold programs, which are each program's own.
//
// The results are in the order of the file. The error is about the object or the
// options; what the kernel says is in the results.
func Verify(ctx context.Context, obj *elf.Object, o VerifyOptions) ([]VerifyResult, error) {
	if err := obj.CheckByteOrder(); err != nil {
		return nil, err
	}
	v := &verification{obj: obj, options: o, tailTypes: map[string]ebpf.ProgramType{}, unset: map[string]error{}}
	for i, set := range o.Variables {
		if i == 0 || v.unset[set.Name] == nil {
			v.unset[set.Name] = fmt.Errorf("variable %q: no program that is verified uses it", set.Name)
		}
	}
	if err := v.checkSizes(); err != nil {
		return nil, err
	}
	results, err := v.choose()
	if err != nil {
		return nil, err
	}
	defer v.maps.close()
	for _, typed := range []bool{true, false} { // the types of tail programs are known after their callers'
		v.run(ctx, results, func(p elf.Program) bool { return typed == (p.Type != ebpf.UnspecifiedProgram) })
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, set := range o.Variables {
		if err := v.unset[set.Name]; err != nil {
			return nil, err
		}
	}
	return results, nil
}

// A verification is a call of Verify on its way.
type verification struct {
	obj     *elf.Object
	options VerifyOptions
	maps    sharedMaps
	done    atomic.Int32 // programs

	mu        sync.Mutex
	tailTypes map[string]ebpf.ProgramType // of programs that others call
	unset     map[string]error            // variables that no program has used yet
	size      int                         // of the programs so far, in instructions
}

// checkSizes refuses a number of entries for what is no map of the object, or can have one only.
func (v *verification) checkSizes() error {
	all, err := v.obj.Maps()
	if err != nil {
		return nil // the programs that use it say so
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	for _, name := range sorted(v.options.MaxEntries) {
		if !slices.Contains(names, name) {
			return &Error{Map: name, Err: fmt.Errorf("the object has no such map; it has %s", orNone(names))}
		}
		if err := resizable(name); err != nil {
			return err
		}
	}
	return nil
}

// maxVerified bounds the instructions of all programs, each with the functions that it
// calls: those of the largest known object are 2 million.
const maxVerified = 8 << 20

// choose lists what is to be verified.
func (v *verification) choose() ([]VerifyResult, error) {
	s := v.options.Select
	var out []VerifyResult
	for _, p := range v.obj.Programs() {
		if s.Program != "" && p.Name != s.Program || s.Section != "" && strings.TrimPrefix(p.Section, "?") != strings.TrimPrefix(s.Section, "?") {
			continue
		}
		out = append(out, VerifyResult{Program: p})
	}
	if len(out) == 0 {
		s.Type = ebpf.UnspecifiedProgram
		p, err := v.obj.Program(s)
		if err != nil {
			return nil, err
		}
		out = append(out, VerifyResult{Program: p}) // a function of .text
	}
	return out, nil
}

// run verifies those programs that want says, in parallel.
func (v *verification) run(ctx context.Context, results []VerifyResult, want func(elf.Program) bool) {
	var chosen []*VerifyResult
	for i := range results {
		if want(results[i].Program) {
			chosen = append(chosen, &results[i])
		}
	}
	jobs := (&loader{options: Options{Ifindex: v.options.Ifindex, Jobs: v.options.Jobs}}).threads()
	_, _ = parallel(len(chosen), jobs, func(i int) error {
		if ctx.Err() == nil {
			v.try(ctx, chosen[i])
		}
		if v.options.Progress != nil {
			v.options.Progress(int(v.done.Add(1)), len(results))
		}
		return nil // the refusal of one program does not concern the others
	})
}

// statsLog is the size of the log of a program that the verifier takes, which
// has its statistics only: since Linux 7.3 a line for each of up to 256 functions.
const statsLog = 64 << 10

// try verifies a program.
func (v *verification) try(ctx context.Context, r *VerifyResult) {
	hook := v.hookType(r.Program)
	r.Program.Type = cmp.Or(hook, r.Program.Type)
	if r.Skipped = unverifiable(r.Program); r.Skipped != "" {
		return
	}
	err := v.verify(ctx, r, hook)
	if err == nil {
		return
	}
	r.Err = err
	if _, ok := errors.AsType[*Error](err); !ok {
		r.Err = &Error{Program: r.Program.Name, Err: err}
	}
	if rejected, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		r.Cause, r.Source = verdict(rejected.Log)
		if r.Cost == (VerifierStats{}) {
			r.Cost = parseStats(rejected.Log)
		}
	}
}

// hookType is as what a program is verified whose section does not tell:
// as what calls it, or as the caller of Verify says.
func (v *verification) hookType(p elf.Program) ebpf.ProgramType {
	if p.Type != ebpf.UnspecifiedProgram {
		return ebpf.UnspecifiedProgram
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return cmp.Or(v.tailTypes[p.Name], v.options.Select.Type)
}

// unverifiable says why the kernel cannot be asked about a program, "" if it can.
func unverifiable(p elf.Program) string {
	switch p.Type {
	case ebpf.UnspecifiedProgram:
		return fmt.Sprintf("section %q does not tell the type, and no program that tells one calls it", p.Section)
	case ebpf.Extension:
		return "it replaces a function of another program, and is verified against that program"
	case ebpf.StructOps:
		return memberOfStructure
	default:
		return ""
	}
}

const memberOfStructure = "it is a member of a kernel's structure, which a map of the object names"

// verify asks the kernel.
func (v *verification) verify(ctx context.Context, r *VerifyResult, hook ebpf.ProgramType) error {
	l := &loader{obj: v.obj, options: Options{
		Select: elf.Selector{Section: r.Program.Section, Program: r.Program.Name, Type: hook, Force: true},
		Pins:   PinOptions{Off: true}, Verbose: v.options.Verbose,
	}}
	if r.Program.Type == ebpf.XDP && v.options.Ifindex != 0 {
		l.options.Ifindex, l.options.BoundOnly = v.options.Ifindex, true
	}
	spec, err := v.specify(l)
	if err != nil {
		return err
	}
	defer l.close()
	return v.load(ctx, l, spec, r)
}

// specify reads the program from the object.
func (v *verification) specify(l *loader) (*ebpf.ProgramSpec, error) {
	if v.full() {
		return nil, fmt.Errorf("the programs before it have more than %d instructions with the functions that they call, which is all that is verified at once: verify it by its name", maxVerified)
	}
	if err := l.specify(); err != nil {
		return nil, err
	}
	entry := l.spec.Programs[l.entry()]
	for name, n := range v.options.MaxEntries {
		if m := l.spec.Maps[name]; m != nil {
			m.MaxEntries = n
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.size += len(entry.Instructions)
	for name := range l.spec.Programs {
		if name != l.entry() {
			v.tailTypes[name] = entry.Type
		}
	}
	for _, set := range v.options.Variables {
		err := v.obj.Set(l.spec, set.Name, set.Value)
		if err == nil {
			v.unset[set.Name] = nil
		} else if v.unset[set.Name] != nil {
			v.unset[set.Name] = err
		}
	}
	return entry, nil
}

func (v *verification) full() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.size > maxVerified
}

// load verifies the program, first with its statistics only.
func (v *verification) load(ctx context.Context, l *loader, spec *ebpf.ProgramSpec, r *VerifyResult) error {
	l.alone()
	l.types = loadTypes(l.spec, l.core)
	defer l.types.close()
	if err := v.maps.provide(l); err != nil {
		return err
	}
	var plainErr error
	if plain := l.types.programs[spec.Name]; plain != nil && (v.options.Types == nil || !relocated(spec)) {
		log := make([]byte, statsLog)
		fd, err := l.verifyPlain(spec, plain, log, ebpf.LogLevelStats)
		r.Cost = parseStats(logLines(log))
		switch {
		case err == nil:
			return sys.Close(fd)
		case l.logsPlain(err):
			return l.logged(spec, plain, err)
		}
		if err := l.overlong(spec, plain, err); err != nil {
			return err
		}
		plainErr = err
	}
	if err := l.linkMaps(spec.Instructions); err != nil {
		return err
	}
	if plainErr == nil {
		p, err := v.rewritten(spec, ebpf.LogLevelStats, statsLog)
		if err == nil {
			r.Cost = parseStats(strings.Split(p.VerifierLog, "\n"))
			return p.Close()
		}
		plainErr = err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := v.rewritten(spec, ebpf.LogLevelBranch|ebpf.LogLevelStats, logRoom(plainErr)) // or it would be verified again for more of the log
	if err != nil {
		return l.refused(spec, err)
	}
	r.Cost = parseStats(strings.Split(p.VerifierLog, "\n"))
	return p.Close()
}

// rewritten has cilium/ebpf make of the program what this kernel takes.
func (v *verification) rewritten(spec *ebpf.ProgramSpec, level ebpf.LogLevel, room uint32) (*ebpf.Program, error) {
	o := ebpf.ProgramOptions{LogLevel: level, LogSizeStart: room, KernelTypes: v.options.Types}
	return unlimited(func() (*ebpf.Program, error) { return ebpf.NewProgramWithOptions(spec, o) })
}

// alone leaves nothing in the spec but the selected program and the maps that
// its instructions name.
func (l *loader) alone() {
	spec := l.spec.Programs[l.entry()]
	l.spec.Programs = map[string]*ebpf.ProgramSpec{l.entry(): spec}
	maps := map[string]*ebpf.MapSpec{}
	for i := range spec.Instructions {
		ins := &spec.Instructions[i]
		if m := l.spec.Maps[ins.Reference()]; m != nil && ins.IsLoadFromMap() {
			maps[ins.Reference()] = m
		}
	}
	l.spec.Maps = maps
}

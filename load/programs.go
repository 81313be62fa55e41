package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/prog"
)

// loadPrograms has the kernel verify every program of the spec: each call does
// its work on the thread that makes it, so they run in parallel.
func (l *loader) loadPrograms(ctx context.Context) error {
	names := l.programNames()
	programs := make([]*ebpf.Program, len(names))
	detours := make([]error, len(names))
	l.programs = make(map[string]*ebpf.Program, len(names))

	failed, err := parallel(len(names), l.threads(), func(i int) (err error) {
		free, err := l.options.Jobs.take(ctx)
		if err != nil {
			return err
		}
		defer free()
		programs[i], detours[i], err = l.loadProgram(ctx, l.spec.Programs[names[i]])
		return err
	})
	for i, p := range programs {
		if p != nil {
			l.programs[names[i]] = p
		}
		if why := detours[i]; why != nil {
			l.detours = append(l.detours, &Error{Program: names[i], Err: why})
		}
	}
	if err != nil {
		return &Error{Program: names[failed], Err: err}
	}
	return nil
}

// programNames are those of the spec, in the order of the object; a function
// whose section does not make it a program comes last.
func (l *loader) programNames() []string {
	names := make([]string, 0, len(l.spec.Programs))
	for _, p := range l.obj.Programs() {
		if l.spec.Programs[p.Name] != nil {
			names = append(names, p.Name)
		}
	}
	if len(names) < len(l.spec.Programs) {
		for _, name := range sorted(l.spec.Programs) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// threads is how many programs are verified at a time. A device is looked up
// in the namespace of the thread, which only the caller's is sure to be in.
func (l *loader) threads() int {
	if l.options.Ifindex != 0 {
		return 1
	}
	if l.options.Jobs != nil {
		return cap(l.options.Jobs)
	}
	return runtime.GOMAXPROCS(0)
}

// loadProgram first asks for just what is wanted. Only when the kernel refuses
// does cilium/ebpf take over: it probes what this kernel lacks, rewrites the
// program for it where it can, and has the verifier explain itself. The detour is
// why it had to.
func (l *loader) loadProgram(ctx context.Context, spec *ebpf.ProgramSpec) (_ *ebpf.Program, detour, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	var plainErr error
	if plain := l.types.programs[spec.Name]; plain != nil && (!l.options.Verbose || l.types.refused != nil) {
		p, err := l.loadPlain(spec, plain)
		if err == nil {
			return p, nil, nil
		}
		if l.logsPlain(err) {
			return nil, nil, l.logged(spec, plain, err)
		}
		if err := l.overlong(spec, plain, err); err != nil {
			return nil, nil, err
		}
		plainErr = err
	}
	if err := l.linkMaps(spec.Instructions); err != nil {
		return nil, nil, err
	}
	options := ebpf.ProgramOptions{}
	switch {
	case l.options.Verbose:
		options.LogLevel, options.LogSizeStart = ebpf.LogLevelBranch|ebpf.LogLevelStats, logSize
	case plainErr != nil: // it will be refused again, and once is enough
		options.LogLevel, options.LogSizeStart = ebpf.LogLevelBranch, logRoom(plainErr)
	}
	p, err := unlimited(func() (*ebpf.Program, error) { return ebpf.NewProgramWithOptions(spec, options) })
	if err != nil {
		return nil, nil, l.refused(spec, err)
	}
	return p, cmp.Or(plainErr, l.types.wants[spec.Name], l.types.err), nil
}

// logSize is room for the log of a refusal, in bytes: for the largest in the
// field, so that the verifier need not run again for the rest. What it does not
// write takes no memory.
const logSize = 8 << 20

// refused tells what is known about a refusal of a program.
func (l *loader) refused(spec *ebpf.ProgramSpec, err error) error {
	v, rejected := errors.AsType[*ebpf.VerifierError](err)
	rejected = rejected && (len(v.Log) > 0 || !errors.Is(err, unix.ENOSYS)) // cilium/ebpf takes what a filter of system calls says for the verifier's
	switch {
	case l.options.Ifindex != 0 && (!rejected || silent(v.Log)):
		return l.unbound(err)
	case rejected && errors.Is(err, unix.EINVAL) && l.usesOldArray() && silent(v.Log):
		return &prog.UnsuitableError{Cause: otherKind, Err: unix.EINVAL}
	case rejected:
		return l.explain(spec, v)
	case spec.AttachTarget != nil && l.options.Target.BTF == 0:
		return fmt.Errorf("program id %d, of which it replaces a function, has no types (BTF) to say where that is", l.options.Target.ID)
	case spec.AttachTarget != nil && errors.Is(err, btf.ErrNotFound):
		return fmt.Errorf("program id %d name %s has no function %s", l.options.Target.ID, l.options.Target.Name, spec.AttachTo)
	case errors.Is(err, ebpf.ErrNotSupported):
		if name := l.missingFunction(); name != "" {
			return errors.New(absentFunction(name))
		}
	}
	return privilege(err)
}

// otherKind is why the kernel lets a program use no array of programs of the
// same type (kernel/bpf/core.c, bpf_prog_map_compatible).
const otherKind = "the program array that was there before is for programs of another kind: " +
	"all have the same attach type, and all or none have frags"

// usesOldArray says whether a program array was there before the load.
func (l *loader) usesOldArray() bool {
	for name, source := range l.sources {
		if source.reused != "" && l.spec.Maps[name].Type == ebpf.ProgramArray {
			return true
		}
	}
	return false
}

// silent says whether the verifier has found no fault.
func silent(log []string) bool {
	cause, _ := verdict(log)
	return cause == ""
}

// linkMaps gives every instruction that loads a map its file descriptor.
func (l *loader) linkMaps(insns asm.Instructions) error {
	for i := range insns {
		ins := &insns[i]
		if !ins.IsLoadFromMap() || ins.Reference() == "" || ins.Map() != nil {
			continue
		}
		m := l.maps[ins.Reference()]
		if m == nil {
			return fmt.Errorf("instruction %d: no map %s", i, ins.Reference())
		}
		if err := ins.AssociateMap(m); err != nil {
			return fmt.Errorf("instruction %d: map %s: %w", i, ins.Reference(), err)
		}
	}
	return nil
}

// loadPlain asks for just what the spec says.
func (l *loader) loadPlain(spec *ebpf.ProgramSpec, plain *plainProgram) (*ebpf.Program, error) {
	fd, err := l.verifyPlain(spec, plain, nil, 0)
	if err != nil {
		return nil, err
	}
	return ebpf.NewProgramFromFD(fd)
}

// verifyPlain has the verifier write what level says into log, unless that is nil.
// The caller closes the file descriptor.
func (l *loader) verifyPlain(spec *ebpf.ProgramSpec, plain *plainProgram, log []byte, level ebpf.LogLevel) (int, error) {
	if l.types.err != nil {
		return -1, l.types.err
	}
	if err := l.linkMaps(plain.insns); err != nil {
		return -1, err
	}
	var code bytes.Buffer
	code.Grow(int(plain.insns.Size()))
	if err := plain.insns.Marshal(&code, nativeOrder()); err != nil {
		return -1, err
	}
	p := sys.Program{
		Type:       uint32(spec.Type),
		AttachType: uint32(spec.AttachType),
		Flags:      spec.Flags,
		Ifindex:    int(spec.Ifindex),
		Name:       spec.Name,
		License:    spec.License,
		Insns:      code.Bytes(),
		BTF:        l.types.fd,
		FuncInfo:   plain.funcs,
		LineInfo:   plain.lines,
		Log:        log,
		LogLevel:   uint32(level),
	}
	fd, err := sys.LoadProgram(&p)
	runtime.KeepAlive(l) // the maps that insns name by descriptor
	return fd, err
}

package xdpload

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
)

// LoadOptions says what of an object is loaded, and how. The zero value loads
// the only program of the object.
type LoadOptions struct {
	// Select names the program. Its Type is the type that the hook runs,
	// see [Hook].
	Select elf.Selector
	// Verbose asks the verifier for its log even of a program that it takes.
	Verbose bool
	// Ifindex is the device that runs the program itself, 0 for the kernel.
	// It is looked up in the network namespace of the calling thread.
	Ifindex int
}

// Loaded is what a load made. Close gives its file descriptors back; the
// kernel keeps what is attached or pinned by then.
type Loaded struct {
	Programs []*Program // the selected program first
	Maps     []*Map     // by name
}

// Program returns the selected program.
func (l *Loaded) Program() *Program { return l.Programs[0] }

// Close closes every program and map of the load.
func (l *Loaded) Close() error {
	var errs []error
	for _, p := range l.Programs {
		errs = append(errs, p.Close())
	}
	for _, m := range l.Maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// LoadError says which part of an object was refused. It wraps the reason,
// an [*ebpf.VerifierError] where the verifier is the one who refused.
type LoadError struct {
	Program string // empty for a map
	Map     string // empty for a program
	Err     error
}

func (e *LoadError) Error() string {
	if e.Map != "" {
		return fmt.Sprintf("map %s: %v", e.Map, e.Err)
	}
	v, rejected := errors.AsType[*ebpf.VerifierError](e.Err)
	if !rejected {
		return fmt.Sprintf("program %s: %v", e.Program, e.Err)
	}
	text := fmt.Sprintf("program %s: rejected by the verifier (%v)", e.Program, v.Cause)
	if cause, source := verdict(v.Log); source != "" {
		text += ": " + cause + ", at: " + source
	} else if cause != "" {
		text += ": " + cause
	}
	return text
}

// Unwrap returns the reason.
func (e *LoadError) Unwrap() error { return e.Err }

// Load creates the maps that the selected program references and has the
// kernel verify the program, and with it the programs that its tables of
// programs start with. Nothing else of the object reaches the kernel. The
// caller closes the result.
//
// Programs are verified side by side, on as many threads as Go may use. When
// several are refused, the error is that of the first one in name order.
func Load(ctx context.Context, obj *elf.Object, o LoadOptions) (_ *Loaded, err error) {
	spec, entry, err := loadable(obj, o.Select)
	if err != nil {
		return nil, err
	}
	l := loader{spec: spec, options: o}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if err := l.createMaps(); err != nil {
		return nil, err
	}
	if err := l.loadPrograms(ctx); err != nil {
		return nil, err
	}
	if err := l.fillTables(); err != nil {
		return nil, err
	}
	return l.result(entry)
}

// loadable returns what is to be loaded, and the name of the entry program.
func loadable(obj *elf.Object, s elf.Selector) (*ebpf.CollectionSpec, string, error) {
	p, err := obj.Program(s)
	if err != nil {
		return nil, "", err
	}
	if err := obj.CheckByteOrder(); err != nil {
		return nil, "", err
	}
	spec, err := obj.Spec(s)
	if err != nil {
		return nil, "", err
	}
	return spec, p.Name, nil
}

// A loader is one load on its way: what the object asks for, and what the
// kernel has made of it so far.
type loader struct {
	spec     *ebpf.CollectionSpec
	options  LoadOptions
	maps     map[string]*ebpf.Map
	programs map[string]*ebpf.Program
}

func (l *loader) close() {
	for _, p := range l.programs {
		p.Close()
	}
	for _, m := range l.maps {
		m.Close()
	}
}

func (l *loader) result(entry string) (*Loaded, error) {
	names := sortedKeys(l.programs)
	names = slices.DeleteFunc(names, func(name string) bool { return name == entry })
	out := new(Loaded)
	for _, name := range append([]string{entry}, names...) {
		p, err := newProgram(l.programs[name])
		if err != nil {
			return nil, &LoadError{Program: name, Err: err}
		}
		out.Programs = append(out.Programs, p)
	}
	for _, name := range sortedKeys(l.maps) {
		m, err := newMap(name, l.maps[name])
		if err != nil {
			return nil, &LoadError{Map: name, Err: err}
		}
		out.Maps = append(out.Maps, m)
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package xdpload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	// Jobs is how many programs are verified at a time, each on a thread of its
	// own; 0 is as many as Go may use ([runtime.GOMAXPROCS]).
	Jobs int
	// Slots, if not nil, bounds how many programs are verified at a time by all
	// loads that share it: each takes a place in the channel meanwhile.
	Slots chan struct{}
	// Ifindex is the device that runs the program itself, 0 for the kernel.
	// It is looked up in the network namespace of the calling thread.
	Ifindex int
	// BoundOnly leaves the program in the kernel, and ties it to the device of
	// Ifindex: it can call what that device's driver offers, and can be
	// attached there only (BPF_F_XDP_DEV_BOUND_ONLY, Linux 6.3).
	BoundOnly bool
	// Variables are set before the load, in this order.
	Variables []Variable
	// Maps are exceptions from what the object says of its maps.
	Maps []MapOption
	// TailCalls add to what the object puts into its program arrays.
	TailCalls []elf.TailCall
	// Pins says where and how to pin.
	Pins PinOptions
	// Loaded is called, if not nil, when the kernel has the programs and maps,
	// before anything is pinned or attached. Its error is that of the load.
	Loaded func(*Loaded) error
	// Adapt, if not nil, may change the programs' attach type and flags before
	// they are verified: those of a program array must agree in them.
	Adapt func(*ebpf.ProgramSpec)
	// Ahead, if not nil, is what Load returned for the same object and options
	// before: the next load takes it over, and has nothing left to do.
	Ahead *Loaded
}

// Variable is the value of a global variable, as text: see [elf.Object.Set].
type Variable struct {
	Name, Value string
}

// MapOption is an exception for one map of the object. Zero fields ask for
// nothing; of several options for a map each adds its own.
type MapOption struct {
	Name       string
	Pinned     string // use the map that is pinned at this path, absolute or "m:REST"
	ID         uint32 // use the map with this id
	MaxEntries uint32
}

// mapOption joins the options for a map.
func (o *LoadOptions) mapOption(name string) (all MapOption) {
	for _, m := range o.Maps {
		if m.Name == name {
			all.Pinned = cmp.Or(m.Pinned, all.Pinned)
			all.ID = cmp.Or(m.ID, all.ID)
			all.MaxEntries = cmp.Or(m.MaxEntries, all.MaxEntries)
		}
	}
	return all
}

// Loaded is what a load made. Nothing of it is seen outside until Publish
// makes its pins visible; attach then, and Commit. Close takes back what is
// not committed and closes the file descriptors; the kernel keeps what is
// attached or pinned by then. It is for one goroutine.
type Loaded struct {
	Programs []*Program // the selected program first
	Maps     []*Map     // by name
	// Warnings are what was ignored, with file and line.
	Warnings []string

	options LoadOptions
	obj     *elf.Object
	pins    *pins
	live    liveSlots
}

// Program returns the selected program.
func (l *Loaded) Program() *Program { return l.Programs[0] }

// Publish makes the pins of the load visible, all or none. The error is a
// [*pin.ConflictError] when another load was first: load again then.
func (l *Loaded) Publish(ctx context.Context) error {
	if err := l.own(); err != nil {
		return err
	}
	err := l.pins.publish(ctx)
	if link := l.Program().link; link != nil && link.err != nil {
		return link.err
	}
	return err
}

// Commit makes the pins permanent, and has the programs take their slots in
// the program arrays that were there before the load: call it when the program
// is attached. After an error those slots are as they were.
func (l *Loaded) Commit() error {
	if err := l.live.write(); err != nil {
		return err
	}
	return l.pins.commit()
}

// Close takes back the pins that are not committed, and closes every program
// and map of the load.
func (l *Loaded) Close() error {
	errs := []error{l.pins.rollback()}
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
	switch {
	case !rejected:
		return fmt.Sprintf("program %s: %v", e.Program, e.Err)
	case len(v.Log) == 0: // it was not the verifier
		return fmt.Sprintf("program %s: %v", e.Program, v.Cause)
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

// Load has the kernel verify the selected program, and with it the programs
// that its tables of programs start with; maps that it references are created,
// or reused where they are pinned. Nothing else of the object reaches the
// kernel. The caller closes the result.
//
// Programs are verified side by side, see LoadOptions.Jobs. When several are
// refused, the error is that of the first one in the order of the object; those after it
// that have not begun are left out.
func Load(ctx context.Context, obj *elf.Object, o LoadOptions) (_ *Loaded, err error) {
	if o.Ahead != nil {
		return o.Ahead, nil
	}
	l := loader{obj: obj, options: o}
	if err := l.specify(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	l.types = loadTypes(l.spec)
	defer l.types.close()
	if err := l.createMaps(); err != nil {
		return nil, err
	}
	if err := l.loadPrograms(ctx); err != nil {
		return nil, err
	}
	if err := l.fillTables(); err != nil {
		return nil, err
	}
	all, err := l.result()
	if err == nil && o.Loaded != nil {
		err = o.Loaded(all)
	}
	return all, err
}

// A loader is one load on its way: what the object asks for, and what the
// kernel has made of it so far.
type loader struct {
	obj      *elf.Object
	options  LoadOptions
	entry    string // the selected program's name
	spec     *ebpf.CollectionSpec
	defined  map[string]elf.Map // by the object, which says what is pinned
	pins     *pins
	types    typeInfo
	maps     map[string]*ebpf.Map
	sources  map[string]mapSource
	programs map[string]*ebpf.Program
	live     liveSlots
}

// specify finds out what is to be loaded.
func (l *loader) specify() error {
	p, err := l.obj.Program(l.options.Select)
	if err != nil {
		return err
	}
	if err := l.obj.CheckByteOrder(); err != nil {
		return err
	}
	l.entry = p.Name
	if l.spec, l.defined, err = l.obj.SpecMaps(l.options.Select, l.options.TailCalls...); err != nil {
		return err
	}
	for _, v := range l.options.Variables {
		if err := l.obj.Set(l.spec, v.Name, v.Value); err != nil {
			return err
		}
	}
	if err := l.bind(); err != nil {
		return err
	}
	if l.options.Adapt != nil {
		for _, p := range l.spec.Programs {
			l.options.Adapt(p)
		}
	}
	l.pins = newPins(l.obj, l.spec.Programs[l.entry].Type, l.options.Pins)
	return l.exceptions()
}

// exceptions refuses options for maps that the program does not use, and
// applies those that change a definition.
func (l *loader) exceptions() error {
	for _, o := range l.options.Maps {
		spec := l.spec.Maps[o.Name]
		if spec == nil {
			return &LoadError{Map: o.Name, Err: fmt.Errorf("the program uses no such map; it uses %s", orNone(sortedKeys(l.spec.Maps)))}
		}
		if o.MaxEntries == 0 {
			continue
		}
		if strings.HasPrefix(o.Name, ".") {
			return &LoadError{Map: o.Name, Err: errors.New("it holds global variables: the number of entries is always 1")}
		}
		spec.MaxEntries = o.MaxEntries
	}
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (l *loader) close() {
	for _, p := range l.programs {
		p.Close()
	}
	for _, m := range l.maps {
		m.Close()
	}
	_ = l.pins.rollback() // nothing was published
}

func (l *loader) result() (*Loaded, error) {
	names := sortedKeys(l.programs)
	names = slices.DeleteFunc(names, func(name string) bool { return name == l.entry })
	out := &Loaded{options: l.options, obj: l.obj, pins: l.pins, live: l.live, Warnings: l.pins.warnings()}
	for _, name := range append([]string{l.entry}, names...) {
		p, err := newProgram(l.programs[name])
		if err != nil {
			return nil, &LoadError{Program: name, Err: err}
		}
		if !l.options.Verbose {
			p.VerifierLog = ""
		}
		out.Programs = append(out.Programs, p)
	}
	for _, name := range sortedKeys(l.maps) {
		m, err := newMap(name, l.maps[name])
		if err != nil {
			return nil, &LoadError{Map: name, Err: err}
		}
		m.Pin, m.Reused = l.sources[name].pin, l.sources[name].reused != ""
		out.Maps = append(out.Maps, m)
	}
	if err := l.pins.planProgram(l.entry, l.programs[l.entry]); err != nil {
		return nil, &LoadError{Program: l.entry, Err: err}
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

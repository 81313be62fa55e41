package load

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/prog"
)

// A loader is one load on its way: what the object asks for, and what the
// kernel has made of it so far.
type loader struct {
	obj      *elf.Object
	options  Options
	entry    string // the selected program's name
	spec     *ebpf.CollectionSpec
	defined  map[string]elf.Map // by the object, which says what is pinned
	core     elf.Relocations
	externs  map[string]elf.Extern // names of the kernel that are used
	pins     *pins
	types    typeInfo
	maps     map[string]*ebpf.Map
	sources  map[string]mapSource
	programs map[string]*ebpf.Program
	detours  []*Error // what was left to cilium/ebpf, and why
	live     liveSlots
	migrated []string // what entries of pinned maps have lost and got
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
	linked, err := l.obj.Link(l.options.Select, l.options.TailCalls...)
	if err != nil {
		return err
	}
	l.spec, l.defined, l.core, l.externs = linked.Spec, linked.Maps, linked.CORE, linked.Externs
	if err := l.fillExterns(); err != nil {
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

// exceptions refuses options for maps that the program does not use, or does not pin, and
// applies those that change a definition.
func (l *loader) exceptions() error {
	for _, o := range l.options.Maps {
		spec := l.spec.Maps[o.Name]
		if spec == nil {
			return &Error{Map: o.Name, Err: fmt.Errorf("the program uses no such map; it uses %s", orNone(sorted(l.spec.Maps)))}
		}
		if o.MaxEntries == 0 {
			continue
		}
		if err := resizable(o.Name); err != nil {
			return err
		}
		spec.MaxEntries = o.MaxEntries
	}
	if on := l.options.Pins.OnMismatch; on != MismatchFail && !slices.ContainsFunc(sorted(l.spec.Maps), l.pinned) {
		return &Error{Program: l.entry, Err: fmt.Errorf("on-mismatch %v: the program uses no map that is pinned", on)}
	}
	return nil
}

// resizable refuses a map that can have no other number of entries than its own.
func resizable(name string) error {
	if strings.HasPrefix(name, ".") {
		return &Error{Map: name, Err: errors.New("it holds global variables: the number of entries is always 1")}
	}
	return nil
}

// pinned reports whether a map is one that is pinned by its definition, or by the options.
func (l *loader) pinned(name string) bool {
	return !strings.HasPrefix(name, ".") && (l.defined[name].Pinning != elf.PinNone || l.options.Pins.Maps != "")
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
	names := sorted(l.programs)
	names = slices.DeleteFunc(names, func(name string) bool { return name == l.entry })
	out := &Loaded{options: l.options, obj: l.obj, pins: l.pins, live: l.live, detours: l.detours, Warnings: append(l.pins.warnings(), l.severalPrograms()...)}
	if l.types.refused != nil {
		out.Warnings = append(out.Warnings, l.types.refused.Error()+"; it is loaded without them")
	}
	out.Warnings = append(out.Warnings, l.migrated...)
	out.names = append([]string{l.entry}, names...)
	for _, name := range out.names {
		p, err := prog.New(l.programs[name])
		if err == nil && p.Name == "" {
			err = errNameless
		}
		if err != nil {
			return nil, &Error{Program: name, Err: err}
		}
		if !l.options.Verbose {
			p.VerifierLog = ""
		}
		out.Programs = append(out.Programs, p)
	}
	for _, name := range sorted(l.maps) {
		m, err := newMap(name, l.maps[name], l.sources[name])
		if err != nil {
			return nil, &Error{Map: name, Err: err}
		}
		out.Maps = append(out.Maps, m)
	}
	if err := l.pins.planProgram(l.entry, l.programs[l.entry]); err != nil {
		return nil, &Error{Program: l.entry, Err: err}
	}
	return out, nil
}

// severalPrograms says which programs would do as well as the one that was chosen.
func (l *loader) severalPrograms() []string {
	const most = 12
	others := l.obj.Others(l.options.Select)
	if len(others) == 0 {
		return nil
	}
	var names []string
	for _, p := range others[:min(len(others), most)] {
		names = append(names, p.Name)
	}
	if n := len(others) - most; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return []string{fmt.Sprintf("section %q has %d programs, and %s is the first; the word program chooses another: %s",
		others[0].Section, len(others)+1, l.entry, strings.Join(names, ", "))}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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
	entries  []elf.Entry // the selected programs
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
	inner    *ebpf.Map // of the map of maps that no object defines
	migrated []string  // what entries of pinned maps have lost and got
}

// specify finds out what is to be loaded.
func (l *loader) specify() error {
	if _, err := l.obj.Program(l.options.Select); err != nil {
		return err
	}
	if err := l.obj.CheckByteOrder(); err != nil {
		return err
	}
	linked, err := l.obj.LinkAll(l.options.selectors(), l.options.TailCalls...)
	if err != nil {
		return err
	}
	l.spec, l.defined, l.core, l.externs, l.entries = linked.Spec, linked.Maps, linked.CORE, linked.Externs, linked.Entries
	if err := l.checkTypes(); err != nil {
		return err
	}
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
	l.pins = newPins(l.obj, l.spec.Programs[l.entry()].Type, l.options.Pins)
	return l.exceptions()
}

// entry is the name of the first program that was selected.
func (l *loader) entry() string { return l.entries[0].Program }

// isEntry reports whether a program was selected.
func (l *loader) isEntry(name string) bool {
	return slices.ContainsFunc(l.entries, func(e elf.Entry) bool { return e.Program == name })
}

// checkTypes refuses programs that nothing can load, and gives those that replace a function
// the program that they do that in.
func (l *loader) checkTypes() error {
	extends := false
	for _, name := range sorted(l.spec.Programs) {
		p, why := l.spec.Programs[name], ""
		switch p.Type {
		case ebpf.UnspecifiedProgram:
			why = fmt.Sprintf("section %q does not tell the type: name it, type xdp for example", p.SectionName)
		case ebpf.StructOps:
			why = memberOfStructure
		case ebpf.Extension:
			if extends = true; l.options.Target != nil {
				p.AttachTarget = l.options.Target.Program
			} else {
				why = "it replaces a function of another program: name that program, target pinned PATH for example"
			}
		}
		if why != "" {
			return &Error{Program: name, Err: errors.New(why)}
		}
	}
	if l.options.Target != nil && !extends {
		return errors.New("a target is for programs that replace a function of it (freplace), and none is to be loaded")
	}
	return nil
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
		return &Error{Program: l.entry(), Err: fmt.Errorf("on-mismatch %v: the program uses no map that is pinned", on)}
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
	out := &Loaded{
		options: l.options, obj: l.obj, pins: l.pins, live: l.live, detours: l.detours,
		Warnings: append(l.pins.warnings(), l.severalPrograms()...),
	}
	if l.types.refused != nil {
		out.Warnings = append(out.Warnings, l.types.refused.Error()+"; it is loaded without them")
	}
	out.Warnings = append(out.Warnings, l.migrated...)
	for _, e := range l.entries {
		out.names = append(out.names, e.Program)
	}
	out.names = append(out.names, slices.DeleteFunc(sorted(l.programs), l.isEntry)...)
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
	for i, e := range l.entries {
		path, err := l.pins.planProgram(e.Program, l.programs[e.Program])
		if err != nil {
			return nil, &Error{Program: e.Program, Err: err}
		}
		out.Entries = append(out.Entries, Entry{Name: e.Program, Program: out.Programs[i], Pin: path, arrays: e.Arrays})
	}
	return out, nil
}

// severalPrograms says which programs would do as well as those that were chosen by
// section.
func (l *loader) severalPrograms() (warnings []string) {
	const most = 12
	for _, s := range l.options.selectors() {
		chosen, err := l.obj.Program(s)
		if err != nil {
			continue
		}
		var names []string
		for _, p := range l.obj.Others(s) {
			if !l.isEntry(p.Name) {
				names = append(names, p.Name)
			}
		}
		if len(names) == 0 {
			continue
		}
		of := len(names) + 1
		if n := len(names) - most; n > 0 {
			names = append(names[:most], fmt.Sprintf("%d more", n))
		}
		warnings = append(warnings, fmt.Sprintf("section %q has %d programs, and %s is the first; the word program chooses another: %s",
			chosen.Section, of, chosen.Name, strings.Join(names, ", ")))
	}
	return warnings
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

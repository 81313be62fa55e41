package elf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// link collects what a program needs, as a linker does that keeps only what is
// reached: the functions that it calls, the maps that it refers to, what these
// maps hold, and the sections of its variables.
type link struct {
	o     *Object
	funcs []*linkedFunc

	selected []selection
	entries  int // how many of them are entered
	maps     []*linkedMap
	data     []*linkedData
	ext      []*Symbol // undefined symbols: functions and variables of the kernel, each once

	declared map[string]Extern // by the object, nil until the first is looked for
	externs  map[string]Extern // those that are reached

	undefined map[*Symbol]bool // those of ext

	byFunc  map[*part]*linkedFunc
	byMap   map[*part]*linkedMap
	byData  map[string]*linkedData
	commons map[*Symbol]uint64 // offset in .bss
	names   map[string]int     // how many functions wanted the name
	copied  uint64             // bytes that the image will take

	incomplete bool // .BTF.ext says where some functions start
}

// selection is a program that was asked for.
type selection struct {
	f *linkedFunc
	s Selector
}

// The two program sections of an image. Functions that a hook or a tail call
// enters are kept apart from those that are only called.
const (
	placeEntry = iota
	placeSubprogram
)

// linkedFunc is a function with its code, ready to be placed.
type linkedFunc struct {
	fn    *part
	name  string // unique in the image
	place int    // placeEntry or placeSubprogram
	off   uint64 // bytes from the start of the section that it is placed in
	code  []byte // a copy
	refs  []codeRef
	sym   int // in the image: of the globals

	catcher *linkedFunc // runs when this one throws, nil for none
	catches bool        // this one is such
}

// codeRef is an instruction that depends on a symbol. Exactly one of the pointers is set.
type codeRef struct {
	at     uint64 // bytes from the start of the function
	fn     *linkedFunc
	m      *linkedMap
	data   *linkedData
	extern *Symbol
	call   bool
}

// linkedMap is a map that is reached.
type linkedMap struct {
	sym *part
	def Map      // of a legacy map; that of a BTF map needs types
	ref []mapRef // of a BTF map
	img int      // its symbol in the image: of the globals
}

// linkedData is a section of variables that is reached. Section .bss has the
// COMMON symbols at its end, and sec is nil when the object has no other .bss. That
// of the kernel's settings has no other section.
type linkedData struct {
	name string
	sec  *Section
	size uint64
	vars []Variable // of the kernel's settings
	sym  int        // in the image: that of the section, of the locals
}

func (o *Object) newLink() *link {
	return &link{
		o:       o,
		byFunc:  make(map[*part]*linkedFunc),
		byMap:   make(map[*part]*linkedMap),
		byData:  make(map[string]*linkedData),
		commons: make(map[*Symbol]uint64),
		names:   make(map[string]int),
		externs: make(map[string]Extern),

		undefined: make(map[*Symbol]bool),
	}
}

// run follows all references until nothing new is reached, and places the functions.
func (l *link) run() error {
	for i, j := 0, 0; i < len(l.funcs) || j < len(l.maps); {
		var err error
		if i < len(l.funcs) {
			if err = l.readCode(l.funcs[i]); err == nil {
				err = l.addCatcher(l.funcs[i])
			}
			i++
		} else {
			err = l.readMap(l.maps[j])
			j++
		}
		if err == nil && len(l.funcs) > maxFunctions*l.entries {
			err = tooManyFunctions(l.funcs[0].fn)
		}
		if err != nil {
			return err
		}
	}
	l.place()
	return l.checkExpansion()
}

// enter adds a function that a hook or a tail call enters.
func (l *link) enter(fn *part) *linkedFunc {
	f := l.function(fn)
	if f.place != placeEntry {
		f.place = placeEntry
		l.entries++
	}
	return f
}

func (l *link) function(fn *part) *linkedFunc {
	if f := l.byFunc[fn]; f != nil {
		return f
	}
	f := &linkedFunc{fn: fn, name: l.uniqueName(fn.name), place: placeSubprogram}
	l.byFunc[fn] = f
	l.funcs = append(l.funcs, f)
	return f
}

// uniqueName tells static functions of one name apart, which objects have
// that were linked from several.
func (l *link) uniqueName(name string) string {
	unique := name
	for l.names[unique] > 0 {
		l.names[name]++
		unique = fmt.Sprintf("%s_%d", name, l.names[name])
	}
	l.names[unique]++
	return unique
}

func (l *link) mapAt(sym *part) *linkedMap {
	if m := l.byMap[sym]; m != nil {
		return m
	}
	m := &linkedMap{sym: sym}
	l.byMap[sym] = m
	l.maps = append(l.maps, m)
	return m
}

// maxVariables bounds the memory of one section of variables.
const maxVariables = 32 << 20

func (l *link) dataAt(name string, sec *Section) (*linkedData, error) {
	if d := l.byData[name]; d != nil {
		if d.sec != sec && sec != nil {
			return nil, naming.Errorf("the object has two sections %q", name)
		}
		return d, nil
	}
	d := &linkedData{name: name, sec: sec}
	if sec != nil {
		d.size = sec.Size
	}
	if d.size > maxVariables {
		return nil, naming.Errorf("section %q has %d bytes, more than the %d that variables can have", name, d.size, maxVariables)
	}
	l.byData[name] = d
	l.data = append(l.data, d)
	return d, nil
}

// common gives a COMMON symbol a place at the end of .bss. Its value is its alignment.
func (l *link) common(sym *Symbol) (*linkedData, uint64, error) {
	bss := l.o.section(".bss")
	if bss != nil && !bss.data() {
		bss = nil
	}
	d, err := l.dataAt(".bss", bss)
	if err != nil {
		return nil, 0, err
	}
	if off, ok := l.commons[sym]; ok {
		return d, off, nil
	}
	if sym.Value > 4096 || sym.Value&(sym.Value-1) != 0 || sym.Size > maxVariables {
		return nil, 0, naming.Errorf("symbol %q: %d bytes aligned to %d", sym.Name, sym.Size, sym.Value)
	}
	align := max(sym.Value, 1)
	off := (d.size + align - 1) / align * align
	if off+sym.Size > maxVariables {
		return nil, 0, fmt.Errorf("section .bss has more than %d bytes", maxVariables)
	}
	d.size = off + sym.Size
	l.commons[sym] = off
	return d, off, nil
}

// spend counts bytes that are copied. Sections of a sound object do not overlap,
// so all of them together are never larger than the file.
func (l *link) spend(n uint64) error {
	l.copied += n
	if l.copied > uint64(len(l.o.image))+4096 {
		return errors.New("sections or functions overlap")
	}
	return nil
}

// readMap follows what a map holds.
func (l *link) readMap(m *linkedMap) (err error) {
	if err := l.o.checkMapCount(); err != nil {
		return err
	}
	if m.sym.section.LegacyMaps() {
		return l.readLegacyMap(m)
	}
	if m.ref, err = l.o.mapRefs(m.sym); err != nil {
		return err
	}
	for _, r := range m.ref {
		if r.fn != nil {
			l.enter(r.fn)
		} else {
			l.mapAt(r.m)
		}
	}
	return nil
}

func (l *link) readLegacyMap(m *linkedMap) error {
	def, err := l.o.legacyMap(m.sym)
	if err != nil {
		return err
	}
	if m.def, err = l.o.withLegacyContents(def); err != nil {
		return err
	}
	if def.Type == ebpf.ProgramArray {
		for _, t := range l.o.tailsOf(def.ID) {
			l.enter(t.fn)
		}
		return nil
	}
	syms := l.o.mapParts()
	for _, slot := range m.def.Contents {
		i := slices.IndexFunc(syms, func(s part) bool { return s.section.LegacyMaps() && s.name == slot.Name })
		l.mapAt(&syms[i])
	}
	return nil
}

// place gives each function its offset in its section of the image.
func (l *link) place() {
	var end [2]uint64
	for _, f := range l.funcs {
		f.off = end[f.place]
		end[f.place] += uint64(len(f.code))
	}
}

// maxExpanded bounds the instructions of all programs of a load, each with the
// functions that it calls. The largest known object, a whole datapath, has 42,000.
const maxExpanded = 1 << 19

// checkExpansion adds up what each program will be with all that it calls.
func (l *link) checkExpansion() error {
	total := uint64(0)
	for _, f := range l.funcs {
		if f.place != placeEntry {
			continue
		}
		seen := map[*linkedFunc]bool{f: true}
		for todo := []*linkedFunc{f}; len(todo) > 0; {
			g := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if total += uint64(len(g.code)) / insn.Size; total > maxExpanded {
				return faultIn(f.fn.section.Name, 0, "program %q: the programs to load have more than %d instructions with the functions that they call", f.fn.name, maxExpanded)
			}
			for _, r := range g.refs {
				if r.fn == f && r.call {
					return faultIn(f.fn.section.Name, f.fn.start, "program %q: %q calls it again, and no kernel runs a recursion", f.fn.name, g.fn.name)
				}
				if r.fn == nil || seen[r.fn] {
					continue
				}
				if len(seen) == maxFunctions {
					return tooManyFunctions(f.fn)
				}
				seen[r.fn] = true
				todo = append(todo, r.fn)
			}
		}
	}
	return nil
}

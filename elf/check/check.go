package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	object "github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// Report is what an object asks for.
type Report struct {
	Kernel  Kernel   // the oldest that has all of Needs
	Needs   []Need   // the newest first
	GPL     []Need   // what a program with another licence cannot use
	License string   // of the object, "" when it states none
	Refused []Refuse // by which loaders, and why
	Faults  []error  // what no loader can make sense of, *elf.FormatError each
	Unknown []Need   // what is younger than the tables, or not of the kernel
}

// Need is one thing that an object needs of a kernel.
type Need struct {
	Kernel Kernel // the first that has it
	What   string // "helper bpf_loop", "map type ringbuf"
	Place
}

// Place is where in an object something is. Program and Map are "" where they do
// not matter.
type Place struct {
	Program string
	Map     string
	Section string
	Offset  uint64 // bytes from the start of the section
	File    string // of the source, "" when the object does not say
	Line    int
}

// GPLCompatible reports whether the kernel takes the object's licence for GPL:
// include/linux/license.h.
func (r *Report) GPLCompatible() bool {
	switch r.License {
	case "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL":
		return true
	}
	return false
}

// After returns what a kernel is too old for, the newest first.
func (r *Report) After(k Kernel) []Need {
	i := slices.IndexFunc(r.Needs, func(n Need) bool { return !k.Before(n.Kernel) })
	if i < 0 {
		i = len(r.Needs)
	}
	return r.Needs[:i]
}

// Object looks at all of an object. What is wrong with it is in the report.
func Object(o *object.Object) *Report {
	c := &checker{o: o, report: &Report{License: o.License()}, seen: make(map[string]bool)}
	c.readMaps()
	c.programs()
	c.loaders()
	slices.SortStableFunc(c.report.Needs, func(a, b Need) int {
		return cmp.Or(-cmp.Compare(a.Kernel.Major, b.Kernel.Major), -cmp.Compare(a.Kernel.Minor, b.Kernel.Minor))
	})
	if len(c.report.Needs) > 0 {
		c.report.Kernel = c.report.Needs[0].Kernel
	}
	return c.report
}

// checker looks at an object.
type checker struct {
	o      *object.Object
	report *Report
	maps   []object.Map
	seen   map[string]bool // needs by program and what: the first place counts
	uses   uses

	externs map[string]object.Extern // declared, nil before the first is looked for
}

func (c *checker) need(k Kernel, p Place, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if k == (Kernel{}) || c.once(p, what) {
		return
	}
	c.report.Needs = append(c.report.Needs, Need{k, what, p})
}

func (c *checker) unknown(p Place, format string, args ...any) {
	c.report.Unknown = append(c.report.Unknown, Need{What: fmt.Sprintf(format, args...), Place: p})
}

// once reports whether something was said of a program or map before.
func (c *checker) once(p Place, what string) bool {
	key := p.Program + "\x00" + p.Map + "\x00" + what
	before := c.seen[key]
	c.seen[key] = true
	return before
}

func (c *checker) gpl(p Place, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if c.once(p, "GPL "+what) {
		return
	}
	c.report.GPL = append(c.report.GPL, Need{What: what, Place: p})
}

func (c *checker) fault(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.fault(e)
		}
		return
	}
	if text := err.Error(); !c.once(Place{}, text) {
		c.report.Faults = append(c.report.Faults, err)
	}
}

// programs looks at every program, and once at each function that one reaches.
func (c *checker) programs() {
	looked := make(map[object.Program]bool)
	for _, p := range c.o.Programs() {
		c.kind(p)
		reached, err := c.o.Reach(p)
		c.fault(err)
		size := 0
		for _, f := range reached {
			size += f.Instructions
			if !looked[f] {
				looked[f] = true
				c.function(f)
			}
		}
		if size > 4096 { // BPF_MAXINSNS, include/uapi/linux/bpf_common.h
			c.need(Kernel{5, 2}, place(p), "more than 4096 instructions (%d)", size)
		}
	}
}

func place(p object.Program) Place {
	return Place{Program: p.Name, Section: p.Section, Offset: p.Offset}
}

// kind looks at what a program's section says.
func (c *checker) kind(p object.Program) {
	at := place(p)
	c.need(programTypes[p.Type], at, "program type %s", kernelname.Program(p.Type))
	for _, a := range attachTypes {
		if slices.Contains(a.types, p.AttachType) && p.Type != ebpf.UnspecifiedProgram {
			c.need(a.kernel, at, "attach type %s", kernelname.Attach(p.AttachType))
		}
	}
	const sleepable, frags = 1 << 4, 1 << 5 // BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS
	if p.Flags&frags != 0 {
		c.need(Kernel{5, 18}, at, "XDP with frags")
	}
	switch {
	case p.Flags&sleepable == 0 || p.Type == ebpf.Syscall:
	case p.Type == ebpf.Kprobe:
		c.need(Kernel{6, 0}, at, "sleepable uprobes")
	default:
		c.need(Kernel{5, 10}, at, "sleepable programs")
	}
	switch p.Type {
	case ebpf.LSM, ebpf.StructOps:
		c.gpl(at, "program type %s", kernelname.Program(p.Type))
	}
}

// readMaps looks at every map.
func (c *checker) readMaps() {
	maps, err := c.o.Maps()
	c.fault(err)
	_, err = c.o.TailCalls()
	c.fault(err)
	c.maps = maps
	for i := range maps {
		if maps[i].Style != object.StyleData {
			c.mapDefinition(&maps[i], maps[i].Name)
		}
	}
}

func (c *checker) mapDefinition(m *object.Map, name string) {
	at := Place{Map: name, Section: m.Section}
	switch {
	case int(m.Type) < len(mapTypes):
		c.need(mapTypes[m.Type], at, "map type %s", kernelname.Map(m.Type))
	default:
		c.unknown(at, "map type %d", m.Type)
	}
	switch why := m.Invalid(); {
	case why == "" || name != m.Name:
	case m.Sizeless():
		c.refuse(at, why, Loaders()...)
	default:
		c.fault(&object.FormatError{Section: m.Section, Offset: int64(m.Offset), Msg: fmt.Sprintf("map %q: %s", name, why)})
	}
	for bit, f := range mapFlags {
		if m.Flags&(1<<bit) != 0 {
			c.need(f.kernel, at, "map flag %s", f.name)
		}
	}
	if rest := m.Flags >> len(mapFlags) << len(mapFlags); rest != 0 {
		c.unknown(at, "map flags %#x", rest)
	}
	for _, name := range structures(m.Value, 0) {
		k, _ := valueTypes.of(name)
		c.need(k, at, "struct %s in a map", name)
	}
	if m.Inner != nil {
		c.mapDefinition(m.Inner, name)
	}
}

package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"

	object "github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
)

// uses are kinds of thing that loaders differ about, and where the first of each is.
type uses struct {
	variables, callbacks, kernel, core *Place
}

func first(p **Place, at Place) {
	if *p == nil {
		*p = &at
	}
}

// source gives places of a function their lines.
type source struct {
	function object.Program
	lines    []object.Line
}

func (s source) at(off uint64) Place {
	p := Place{Program: s.function.Name, Section: s.function.Section, Offset: off}
	i, found := slices.BinarySearchFunc(s.lines, off, func(l object.Line, off uint64) int { return cmp.Compare(l.Offset, off) })
	if !found {
		i--
	}
	if i >= 0 {
		p.File, p.Line = s.lines[i].File, s.lines[i].Line
	}
	return p
}

// function looks at the instructions of one function.
func (c *checker) function(f object.Program) {
	lines, err := c.o.Lines(f)
	c.fault(err)
	src := source{f, lines}
	refs, err := c.o.References(f)
	c.fault(err)
	for _, r := range refs {
		c.reference(r, src.at(r.Offset))
	}
	core, err := c.o.CORERelocations(f)
	c.fault(err)
	if len(core) > 0 {
		at := src.at(core[0].Offset)
		first(&c.uses.core, at)
		c.need(Kernel{5, 4}, at, "the kernel's BTF (CO-RE)")
	}
	code, err := c.o.Code(f)
	c.fault(err)
	c.instructions(code, src)
}

func (c *checker) instructions(code []byte, src source) {
	order := c.o.ByteOrder()
	for at, i := range insn.All(code, order) {
		if k, what := instruction(i); what != "" {
			c.need(k, src.at(src.function.Offset+at), "%s", what)
		}
	}
	if at, ok := loop(code, order); ok {
		c.need(Kernel{5, 3}, src.at(src.function.Offset+uint64(at)*insn.Size), "loops")
	}
}

func (c *checker) reference(r object.Reference, at Place) {
	switch r.Kind {
	case object.RefHelper:
		c.helper(r.Number, at)
	case object.RefCall:
		c.need(Kernel{4, 16}, at, "calls of functions")
	case object.RefFunction:
		first(&c.uses.callbacks, at)
		if !c.o.HasBTF() { // check_ld_imm, kernel/bpf/verifier.c
			c.fault(c.at(at, "the address of a function in an object without BTF, where the kernel asks for the function's type"))
		}
		c.need(Kernel{5, 13}, at, "addresses of functions")
	case object.RefVariable:
		first(&c.uses.variables, at)
		c.need(Kernel{5, 2}, at, "global variables")
	case object.RefKernel:
		c.kernelFunction(r, at)
	case object.RefKernelVar:
		first(&c.uses.kernel, at)
		c.kernelVariable(r.Name, at)
	case object.RefMap:
	}
}

func (c *checker) helper(number int32, at Place) {
	name := insn.HelperName(number)
	k, ok := Helper(number)
	if !ok {
		c.unknown(at, "%s", insn.HelperText(number))
		return
	}
	c.need(k, at, "helper %s", name)
	if NeedsGPL(number) {
		c.gpl(at, "helper %s", name)
	}
	for _, u := range gplUntil {
		if u.helper == number {
			c.gpl(at, "helper %s, before Linux %s", name, u.kernel)
		}
	}
}

// at is a fault at a place.
func (c *checker) at(p Place, format string, args ...any) error {
	return &object.FormatError{Section: p.Section, Offset: int64(p.Offset), Msg: fmt.Sprintf(format, args...)}
}

// extern finds out what a name of the kernel is, and reports whether anything says so.
func (c *checker) extern(name string, at Place) (object.Extern, bool) {
	if c.externs == nil {
		c.externs, _ = c.o.Externs() // none, where the types cannot be read
	}
	x, ok := c.externs[name]
	switch {
	case ok:
	case !c.o.HasBTF():
		c.fault(c.at(at, "undefined symbol %q: if the kernel has it, the object has no BTF to say so: compile with clang -g", name))
	default:
		c.fault(c.at(at, "undefined symbol %q: the object neither defines it nor declares it __ksym or __kconfig", name))
	}
	return x, ok
}

func (c *checker) kernelFunction(r object.Reference, at Place) {
	x, ok := c.extern(r.Name, at)
	if !ok {
		return
	}
	first(&c.uses.kernel, at)
	c.gpl(at, "calls of kernel functions")
	if x.Weak {
		return
	}
	k, known := kernelFunctions.of(r.Name)
	if !known {
		k = Kernel{5, 13} // the first whose functions could be called
	}
	c.need(k, at, "kernel function %s", r.Name)
	if !known {
		c.unknown(at, "kernel function %s", r.Name)
	}
}

// kernelVariable looks at an undefined symbol: one with a type is read from
// the BTF of the kernel, one without is only an address, and a setting is a constant.
func (c *checker) kernelVariable(name string, at Place) {
	x, ok := c.extern(name, at)
	switch {
	case !ok || x.Weak:
	case x.Kind == object.ExternSetting:
		c.need(Kernel{5, 2}, at, "variable %s of the kernel", name)
	case x.Kind == object.ExternVariable && x.Typed():
		c.need(Kernel{5, 10}, at, "variable %s of the kernel", name)
	}
}

// variables returns those that BTF describes in a section, none if it cannot be read.
func (c *checker) variables(section string) (vars []*btf.Var) {
	types, err := c.o.Types()
	var ds *btf.Datasec
	if err != nil || types.TypeByName(section, &ds) != nil {
		return nil
	}
	for _, info := range ds.Vars {
		if v, ok := info.Type.(*btf.Var); ok {
			vars = append(vars, v)
		}
	}
	return vars
}

// structures returns the names of the structures in a type.
func structures(t btf.Type, depth int) []string {
	if t == nil || depth > 8 {
		return nil
	}
	var members []btf.Member
	var names []string
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		names, members = []string{t.Name}, t.Members
	case *btf.Union:
		members = t.Members
	case *btf.Array:
		return structures(t.Type, depth+1)
	}
	for _, m := range members {
		if len(names) > 256 {
			break
		}
		names = append(names, structures(m.Type, depth+1)...)
	}
	return names
}

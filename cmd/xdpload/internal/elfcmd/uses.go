package elfcmd

import (
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
)

// elfUses finds what the functions of an object refer to, each function once.
type elfUses struct {
	o     *elf.Object
	known map[elf.Program]*elfUse
	place map[elfPlace]elf.Program
}

type elfPlace struct {
	section string
	offset  uint64
}

// elfUse is what one function refers to, without what it calls.
type elfUse struct {
	calls                 []elf.Program
	helpers, kernel, maps []string
	core                  int
	err                   error
}

func (u *elfUses) of(p elf.Program) *elfUse {
	use, ok := u.known[p]
	if !ok {
		use = u.read(p)
		u.known[p] = use
	}
	return use
}

func (u *elfUses) read(p elf.Program) *elfUse {
	use := new(elfUse)
	refs, err := u.o.References(p)
	use.err = err
	var helpers []int32
	for _, r := range refs {
		switch r.Kind {
		case elf.RefHelper:
			if !slices.Contains(helpers, r.Number) {
				helpers = append(helpers, r.Number)
				use.helpers = append(use.helpers, insn.Instruction{Op: insn.Call, Imm: r.Number}.Text("")[len("call "):])
			}
		case elf.RefKernel, elf.RefKernelVar:
			use.kernel = once(use.kernel, kernelSymbol(r))
		case elf.RefMap, elf.RefVariable:
			use.maps = once(use.maps, r.Name)
		case elf.RefCall, elf.RefFunction:
			if callee, ok := u.at(r); ok && !slices.Contains(use.calls, callee) {
				use.calls = append(use.calls, callee)
			}
		}
	}
	core, err := u.o.CORERelocations(p)
	if use.err == nil {
		use.err = err
	}
	use.core = len(core)
	return use
}

func kernelSymbol(r elf.Reference) string {
	if r.Name == "" {
		return fmt.Sprintf("kfunc#%d", r.Number)
	}
	return r.Name
}

// at finds the function that a reference leads to.
func (u *elfUses) at(r elf.Reference) (elf.Program, bool) {
	if u.place == nil {
		u.place = make(map[elfPlace]elf.Program)
		for _, p := range append(u.o.Programs(), u.o.Subprograms()...) {
			u.place[elfPlace{p.Section, p.Offset}] = p
		}
	}
	p, ok := u.place[elfPlace{r.Section, r.Value}]
	return p, ok
}

func once(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Program reports a program with what it and the functions that it reaches use.
func (r *objectReport) Program(u *elfUses, p elf.Program) elfProgram {
	out := elfProgram{
		Name: p.Name, Section: p.Section, Type: programType(p.Type), Attach: p.AttachTo,
		Instructions: p.Instructions, Optional: p.Optional, Static: p.Static,
	}
	seen := map[elf.Program]bool{p: true}
	for todo := []elf.Program{p}; len(todo) > 0; todo = todo[1:] {
		use := u.of(todo[0])
		r.fault(use.err)
		for _, callee := range use.calls {
			if !seen[callee] {
				seen[callee] = true
				todo = append(todo, callee)
				out.Functions = append(out.Functions, callee.Name)
			}
		}
		for _, name := range use.helpers {
			out.Helpers = once(out.Helpers, name)
		}
		for _, name := range use.kernel {
			out.Kernel = once(out.Kernel, name)
		}
		for _, name := range use.maps {
			out.Maps = once(out.Maps, name)
		}
		out.CORE += use.core
	}
	return out
}

package elfcmd

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
)

// elfUses finds what the functions of an object refer to, each function once.
type elfUses struct {
	o       *elf.Object
	known   map[elf.Program]*elfUse
	place   map[elfPlace]elf.Program
	externs map[string]elf.Extern
}

type elfPlace struct {
	section string
	offset  uint64
}

// elfUse is what one function refers to, without what it calls.
type elfUse struct {
	calls                 []elf.Program
	helpers, kernel, maps []string
	symbols, settings     []string // of the kernel
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
	for _, r := range refs {
		switch r.Kind {
		case elf.RefHelper:
			use.helpers = once(use.helpers, insn.Instruction{Op: insn.Call, Imm: r.Number}.Text("")[len("call "):])
		case elf.RefKernel:
			use.kernel = once(use.kernel, cmp.Or(r.Name, fmt.Sprintf("kfunc#%d", r.Number)))
		case elf.RefKernelVar:
			list := map[elf.ExternKind]*[]string{elf.ExternFunction: &use.kernel, elf.ExternVariable: &use.symbols, elf.ExternSetting: &use.settings}
			names := list[u.externs[r.Name].Kind]
			*names = once(*names, r.Name)
		case elf.RefMap, elf.RefVariable:
			use.maps = once(use.maps, r.Name)
		case elf.RefCall, elf.RefFunction:
			if callee, ok := u.at(r); ok {
				use.calls = once(use.calls, callee)
			}
		}
	}
	core, err := u.o.CORERelocations(p)
	use.core, use.err = len(core), cmp.Or(use.err, err)
	return use
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

// once appends what the list lacks.
func once[T comparable](list []T, more ...T) []T {
	for _, v := range more {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// Program reports a program with what it and the functions that it reaches use.
func (r *objectReport) Program(u *elfUses, p elf.Program) elfProgram {
	out := elfProgram{
		Name: p.Name, Section: p.Section, Type: subject.TypeName(p.Type), Attach: p.AttachTo,
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
		out.Helpers = once(out.Helpers, use.helpers...)
		out.Kernel = once(out.Kernel, use.kernel...)
		out.Symbols = once(out.Symbols, use.symbols...)
		out.Settings = once(out.Settings, use.settings...)
		out.Maps = once(out.Maps, use.maps...)
		out.CORE += use.core
	}
	return out
}

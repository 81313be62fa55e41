package elfcmd

import (
	"cmp"
	"fmt"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
)

// elfUses finds what the functions of an object refer to, each function once.
type elfUses struct {
	o       *elf.Object
	known   map[elf.Program]*elfUse
	externs map[string]elf.Extern
	listed  int // names, of all programs
}

// maxUses bounds the names that are listed: those of a whole datapath are a few thousand.
const maxUses = 1 << 18

// elfUse is what one function refers to, without what it calls.
type elfUse struct {
	helpers, kernel, maps names
	symbols, settings     names // of the kernel
	core                  int
	err                   error
}

// names are each once, in the order in which they were found.
type names struct {
	list []string
	seen map[string]bool
}

func (n *names) add(more ...string) {
	for _, name := range more {
		if n.seen[name] {
			continue
		}
		if n.seen == nil {
			n.seen = make(map[string]bool)
		}
		n.seen[name] = true
		n.list = append(n.list, name)
	}
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
			use.helpers.add(insn.Instruction{Op: insn.Call, Imm: r.Number}.Text("")[len("call "):])
		case elf.RefKernel:
			use.kernel.add(cmp.Or(r.Name, fmt.Sprintf("kfunc#%d", r.Number)))
		case elf.RefKernelVar:
			list := map[elf.ExternKind]*names{elf.ExternFunction: &use.kernel, elf.ExternVariable: &use.symbols, elf.ExternSetting: &use.settings}
			list[u.externs[r.Name].Kind].add(r.Name)
		case elf.RefMap, elf.RefVariable:
			use.maps.add(r.Name)
		case elf.RefCall, elf.RefFunction:
		}
	}
	core, err := u.o.CORERelocations(p)
	use.core, use.err = len(core), cmp.Or(use.err, err)
	return use
}

// Program reports a program with what it and the functions that it reaches use.
func (r *objectReport) Program(u *elfUses, p elf.Program) elfProgram {
	out := elfProgram{
		Name: p.Name, Section: p.Section, Type: subject.TypeName(p.Type), Attach: p.AttachTo,
		Instructions: p.Instructions, Optional: p.Optional, Static: p.Static,
	}
	if u.listed > maxUses {
		r.fault(fmt.Errorf("more than %d uses by all programs: those of the others are not listed", maxUses))
		return out
	}
	reached, err := u.o.Reach(p)
	r.fault(err)
	var all elfUse
	for i, f := range reached {
		use := u.of(f)
		r.fault(use.err)
		if i > 0 {
			out.Functions = append(out.Functions, f.Name)
		}
		all.helpers.add(use.helpers.list...)
		all.kernel.add(use.kernel.list...)
		all.symbols.add(use.symbols.list...)
		all.settings.add(use.settings.list...)
		all.maps.add(use.maps.list...)
		out.CORE += use.core
	}
	out.Helpers, out.Kernel, out.Symbols, out.Settings, out.Maps = all.helpers.list, all.kernel.list, all.symbols.list, all.settings.list, all.maps.list
	u.listed += len(out.Functions) + len(out.Helpers) + len(out.Kernel) + len(out.Symbols) + len(out.Settings) + len(out.Maps)
	return out
}

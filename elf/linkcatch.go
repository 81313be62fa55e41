package elf

import (
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// addCatcher adds the function that runs when a program throws an exception: a tag names it,
// and no instruction refers to it. In the image it is a program, or it would be left out.
func (l *link) addCatcher(f *linkedFunc) error {
	types, err := l.o.btf()
	if f.place != placeEntry || err != nil || types == nil || len(types.catchers) == 0 {
		return nil //nolint:nilerr // what cannot be read is found when it is written
	}
	infos, err := l.o.ext[btfwire.ExtFunctions]()
	if err != nil {
		return err
	}
	for _, r := range infos.within(f.fn.section.Name, f.fn.start, f.fn.start+1) {
		name, ok := types.catchers[l.o.order.Uint32(r.rest)]
		if !ok {
			continue
		}
		i := slices.IndexFunc(l.o.funcs, func(p part) bool { return p.name == name && !p.static })
		if i < 0 {
			return faultIn(f.fn.section.Name, f.fn.start, "program %q: its exception callback is %q, which is no global function of the object", f.fn.name, name)
		}
		f.catcher = l.enter(&l.o.funcs[i])
		f.catcher.catches = true
	}
	return nil
}

// joinCatchers puts what runs after exceptions behind the functions of their programs.
func (l *link) joinCatchers(programs map[string]*ebpf.ProgramSpec) {
	for _, f := range l.funcs {
		p := programs[f.name]
		if f.catcher == nil || p == nil || programs[f.catcher.name] == nil {
			continue
		}
		there := make(map[string]bool)
		for i := range p.Instructions {
			there[p.Instructions[i].Symbol()] = true
		}
		wanted := false
		for _, ins := range programs[f.catcher.name].Instructions {
			if name := ins.Symbol(); name != "" {
				wanted = !there[name]
			}
			if wanted {
				p.Instructions = append(p.Instructions, ins)
			}
		}
	}
	for _, f := range l.funcs {
		if f.catches {
			delete(programs, f.name)
		}
	}
}

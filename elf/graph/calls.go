package graph

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/xdpload/xdpload/elf"
)

// Calls draws the programs of an object with the functions that they call, the
// maps that they use, and the programs behind the slots of program arrays. With
// a program it is that one, and what is reached from it. A map whose definition cannot
// be read is drawn with its name. The error is that of w, or joins a [*elf.FormatError]
// for each function with a reference that leads nowhere; the rest is drawn.
func Calls(w io.Writer, o *elf.Object, f Format, program *elf.Program) error {
	c := &calls{o: o, graph: graph{name: o.Name()}, functions: make(map[elf.Program]int), maps: make(map[string]int), kernel: make(map[string]int)}
	maps, _ := o.Maps()
	c.tails, _ = o.TailCalls()
	for _, m := range maps {
		if m.Style != elf.StyleData {
			c.known = append(c.known, m)
		}
	}
	if program != nil {
		c.function(*program)
	} else {
		for _, p := range o.Programs() {
			c.function(p)
		}
		for _, m := range c.known {
			c.mapNode(m.Name)
		}
	}
	return errors.Join(append(c.errs, c.write(w, f))...)
}

// calls collects the nodes.
type calls struct {
	graph
	o         *elf.Object
	known     []elf.Map
	tails     []elf.TailCall
	functions map[elf.Program]int
	maps      map[string]int
	kernel    map[string]int
	errs      []error
}

// function draws a function and all that it refers to, and returns its node.
func (c *calls) function(p elf.Program) int {
	if at, ok := c.functions[p]; ok {
		return at
	}
	n := node{shape: box, text: []string{p.Name, p.Section}}
	if p.Section == ".text" {
		n = node{shape: round, text: []string{p.Name}}
	}
	at := c.add(n)
	c.functions[p] = at
	refs, err := c.o.References(p)
	if err != nil {
		c.errs = append(c.errs, err)
	}
	for _, r := range refs {
		switch r.Kind {
		case elf.RefCall, elf.RefFunction:
			if callee, ok := c.callee(r); ok {
				e := edge{from: at, to: c.function(callee)}
				if r.Kind == elf.RefFunction {
					e.dotted, e.text = true, "callback"
				}
				c.link(e)
			}
		case elf.RefMap:
			c.link(edge{from: at, to: c.mapNode(r.Name)})
		case elf.RefKernel:
			c.link(edge{from: at, to: c.kernelNode(r)})
		case elf.RefHelper, elf.RefVariable, elf.RefKernelVar:
		}
	}
	return at
}

func (c *calls) callee(r elf.Reference) (elf.Program, bool) {
	all := slices.Concat(c.o.Subprograms(), c.o.Programs())
	i := slices.IndexFunc(all, func(p elf.Program) bool { return p.Section == r.Section && p.Offset == r.Value })
	if i < 0 {
		return elf.Program{}, false
	}
	return all[i], true
}

// mapNode draws a map and what the object puts into it.
func (c *calls) mapNode(name string) int {
	if at, ok := c.maps[name]; ok {
		return at
	}
	n := node{shape: store, text: []string{name}}
	var contents []elf.Slot
	for _, m := range c.known {
		if m.Name == name {
			n.text = append(n.text, m.Type.String())
			contents = m.Contents
		}
	}
	at := c.add(n)
	c.maps[name] = at
	slots := make(map[elf.Slot]bool)
	for _, t := range c.tails {
		if t.Map != name {
			continue
		}
		slots[elf.Slot{Key: t.Key, Name: t.Program}] = true
		progs := c.o.Programs()
		if i := slices.IndexFunc(progs, func(p elf.Program) bool { return p.Name == t.Program }); i >= 0 {
			c.link(edge{from: at, to: c.function(progs[i]), text: fmt.Sprintf("[%d]", t.Key), dotted: true})
		}
	}
	for _, s := range contents {
		if !slots[s] && c.isMap(s.Name) {
			c.link(edge{from: at, to: c.mapNode(s.Name), text: fmt.Sprintf("[%d]", s.Key), dotted: true})
		}
	}
	return at
}

func (c *calls) isMap(name string) bool {
	return slices.ContainsFunc(c.known, func(m elf.Map) bool { return m.Name == name })
}

func (c *calls) kernelNode(r elf.Reference) int {
	name := r.Name
	if name == "" {
		name = fmt.Sprintf("kfunc#%d", r.Number)
	}
	at, ok := c.kernel[name]
	if !ok {
		at = c.add(node{shape: outside, text: []string{name}})
		c.kernel[name] = at
	}
	return at
}

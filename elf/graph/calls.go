package graph

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// Calls draws the programs of an object with the functions that they call, the
// maps that they use, and the programs behind the slots of program arrays. With
// a program it is that one, and what is reached from it. A map whose definition cannot
// be read is drawn with its name. The error is that of w, or joins a [*elf.FormatError]
// for each function with a reference that leads nowhere; the rest is drawn.
func Calls(w io.Writer, o *elf.Object, f Format, program *elf.Program) error {
	c := newCalls(o)
	if program != nil {
		c.draw(*program)
	} else {
		for _, p := range o.Programs() {
			c.draw(p)
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
	known     []elf.Map              // but for those of variables
	byName    map[string]*elf.Map    // the same
	programs  map[string]elf.Program // by name, the first of each
	tails     map[string][]elf.TailCall
	functions map[elf.Program]int
	todo      []elf.Program // those that have a node, and no edges yet
	maps      map[string]int
	kernel    map[string]int
	errs      []error
}

func newCalls(o *elf.Object) *calls {
	c := &calls{
		o: o, graph: graph{name: o.Name()}, functions: make(map[elf.Program]int), maps: make(map[string]int), kernel: make(map[string]int),
		byName: make(map[string]*elf.Map), programs: make(map[string]elf.Program), tails: make(map[string][]elf.TailCall),
	}
	maps, _ := o.Maps()
	c.known = slices.DeleteFunc(maps, func(m elf.Map) bool { return m.Style == elf.StyleData })
	for i := range c.known {
		c.byName[c.known[i].Name] = &c.known[i]
	}
	for _, p := range slices.Backward(o.Programs()) {
		c.programs[p.Name] = p
	}
	tails, _ := o.TailCalls()
	for _, t := range tails {
		c.tails[t.Map] = append(c.tails[t.Map], t)
	}
	return c
}

// draw draws a function and all that is reached from it.
func (c *calls) draw(p elf.Program) {
	c.function(p)
	for ; len(c.todo) > 0; c.todo = c.todo[1:] {
		c.follow(c.todo[0])
	}
}

// function gives a function a node, and returns it.
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
	c.todo = append(c.todo, p)
	return at
}

// follow draws what a function refers to.
func (c *calls) follow(p elf.Program) {
	at := c.functions[p]
	refs, err := c.o.References(p)
	if err != nil {
		c.errs = append(c.errs, err)
	}
	for _, r := range refs {
		switch r.Kind {
		case elf.RefCall, elf.RefFunction:
			if callee, ok := c.o.Target(r); ok {
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
}

// mapNode draws a map and what the object puts into it.
func (c *calls) mapNode(name string) int {
	if at, ok := c.maps[name]; ok {
		return at
	}
	n := node{shape: store, text: []string{name}}
	var contents []elf.Slot
	if m := c.byName[name]; m != nil {
		n.text = append(n.text, kernelname.Map(m.Type))
		contents = m.Contents
	}
	at := c.add(n)
	c.maps[name] = at
	slots := make(map[elf.Slot]bool)
	for _, t := range c.tails[name] {
		slots[elf.Slot{Key: t.Key, Name: t.Program}] = true
		if p, ok := c.programs[t.Program]; ok {
			c.link(edge{from: at, to: c.function(p), text: fmt.Sprintf("[%d]", t.Key), dotted: true})
		}
	}
	for _, s := range contents {
		if !slots[s] && c.byName[s.Name] != nil {
			c.link(edge{from: at, to: c.mapNode(s.Name), text: fmt.Sprintf("[%d]", s.Key), dotted: true})
		}
	}
	return at
}

func (c *calls) kernelNode(r elf.Reference) int {
	name := cmp.Or(r.Name, fmt.Sprintf("kfunc#%d", r.Number))
	at, ok := c.kernel[name]
	if !ok {
		at = c.add(node{shape: outside, text: []string{name}})
		c.kernel[name] = at
	}
	return at
}

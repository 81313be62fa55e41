package graph

import (
	"io"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/listing"
)

// Flow draws the basic blocks of one program or subprogram, and where control
// goes from each. The error is that of w, or a [*elf.FormatError].
func Flow(w io.Writer, o *elf.Object, f Format, p elf.Program) error {
	list, err := listing.Instructions(o, p)
	if err != nil {
		return err
	}
	g := &graph{name: p.Name}
	starts := leaders(list, p)
	blocks := make(map[uint64]int) // by the offset of their first instruction
	for _, i := range list {
		if starts[i.Offset] {
			blocks[i.Offset] = g.add(node{shape: box, code: true})
		}
	}
	current := -1
	for n, i := range list {
		if at, ok := blocks[i.Offset]; ok {
			current = at
		}
		g.nodes[current].text = append(g.nodes[current].text, text(i))
		last := n+1 == len(list) || starts[list[n+1].Offset]
		if last {
			g.leave(current, i, blocks)
		}
	}
	return g.write(w, f)
}

// text writes a jump without its target, which the edges show.
func text(i listing.Instruction) string {
	if n, ok := i.Target(); !ok || i.Op == insn.Call || n == 0 {
		return i.Text
	}
	if i.Op == insn.Jump || i.Op == insn.LongJump {
		return "goto"
	}
	return i.Instruction.Text("…")
}

// leaders are where a block begins: at the start, at targets, after jumps.
func leaders(list []listing.Instruction, p elf.Program) map[uint64]bool {
	starts := map[uint64]bool{p.Offset: true}
	for _, i := range list {
		next := i.Offset + uint64(i.Slots())*insn.Size
		if n, ok := i.Target(); ok && i.Op != insn.Call {
			starts[i.Offset+uint64(int64(n)*insn.Size)] = true
			starts[next] = true
		} else if !i.Falls() {
			starts[next] = true
		}
	}
	return starts
}

// leave adds the edges that go out of a block by its last instruction.
func (g *graph) leave(from int, i listing.Instruction, blocks map[uint64]int) {
	n, jumps := i.Target()
	jumps = jumps && i.Op != insn.Call
	if to, ok := blocks[i.Offset+uint64(int64(n)*insn.Size)]; ok && jumps {
		e := edge{from: from, to: to}
		if i.Falls() {
			e.text = "yes"
		}
		g.link(e)
	}
	if to, ok := blocks[i.Offset+uint64(i.Slots())*insn.Size]; ok && i.Falls() {
		e := edge{from: from, to: to}
		if jumps {
			e.text = "no"
		}
		g.link(e)
	}
}

package elf

import (
	"cmp"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// placedRelocations are the CO-RE relocations of an image.
type placedRelocations struct {
	table   extTable
	strings []byte // that the records refer to
}

func (r placedRelocations) count() int {
	return len(r.table[placeEntry]) + len(r.table[placeSubprogram])
}

// relocations finds out what the CO-RE relocations are that the instructions of a spec have.
func (l *link) relocations(spec *ebpf.CollectionSpec, placed placedRelocations) (Relocations, error) {
	if placed.count() == 0 {
		return nil, nil
	}
	found := make(Relocations, placed.count())
	funcs := make(map[string]*linkedFunc, len(l.funcs))
	for _, f := range l.funcs {
		funcs[f.name] = f
	}
	for _, p := range spec.Programs {
		var f *linkedFunc
		var start asm.RawInstructionOffset
		for it := p.Instructions.Iterate(); it.Next(); {
			if next := funcs[it.Ins.Symbol()]; next != nil {
				f, start = next, it.Offset
			}
			relo := btf.CORERelocationMetadata(it.Ins)
			if relo == nil || f == nil {
				continue
			}
			if c, ok := l.relocationAt(f, uint64(it.Offset-start)*insn.Size, placed, spec.Types); ok {
				found[relo] = c
			}
		}
	}
	// Without its relocation an instruction would read another kernel's structure.
	if n := placed.count() - len(found); n > 0 {
		return nil, faultIn(btfExtSection, 0, "%d of %d CO-RE relocations are of no instruction", n, placed.count())
	}
	return found, nil
}

// relocationAt returns the one of the instruction that lies some bytes after the start of a function.
func (l *link) relocationAt(f *linkedFunc, at uint64, placed placedRelocations, types *btf.Spec) (c CORE, ok bool) {
	records := placed.table[f.place]
	i, ok := slices.BinarySearchFunc(records, f.off+at, func(r extRecord, off uint64) int { return cmp.Compare(r.off, off) })
	if !ok {
		return c, false
	}
	c.Offset, c.Kind = f.fn.start+at, records[i].kind(l.o.order)
	access, _ := btfwire.String(placed.strings, l.o.order.Uint32(records[i].rest[4:]))
	c.Access = string(access)
	c.Type, _ = typeInfo{types}.byID(l.o.order.Uint32(records[i].rest))
	return c, true
}

package elf

import (
	"errors"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

var errNumbered = errors.New("an instruction holds the number of a type")

// numbered reports whether a table of CO-RE relocations has such.
func (t *extTable) numbered(order byteOrder) bool {
	return slices.ContainsFunc(slices.Concat(t[0], t[1]), func(r extRecord) bool {
		return r.kind(order) == CORETypeIDLocal || r.kind(order) == CORETypeIDTarget
	})
}

// prune returns a .BTF section with the types that the link needs, with more
// strings added to it and their offsets, and ext as it is with these types.
func (e *emitter) prune(x *btfIndex, ext *extInfo, more []string) (section []byte, offs []uint32, _ *extInfo, err error) {
	if ext[btfwire.ExtCORE].numbered(x.Order) {
		return nil, nil, nil, errNumbered
	}
	p := pruner{x, btfwire.NewSubset(btfwire.Source{
		Order: x.Order, Strings: x.Strings, Record: x.Record, Tags: func(id uint32) []uint32 { return x.tags[id] },
	})}
	for _, table := range []extTable{ext[btfwire.ExtFunctions], ext[btfwire.ExtCORE]} {
		for _, r := range slices.Concat(table[0], table[1]) {
			p.Follow(p.Order.Uint32(r.rest), btfwire.Everything)
		}
	}
	for _, m := range e.maps {
		p.followNamed(m.sym.name)
		p.followNamed(annotation + m.sym.name)
	}
	for _, d := range e.data {
		p.followNamed(d.name)
	}
	for _, id := range x.held {
		p.Follow(id, btfwire.Everything)
	}
	p.Copy()
	pruned := p.rewriteExt(ext)
	for _, s := range more {
		offs = append(offs, p.Add(s))
	}
	section, err = p.Encode()
	return section, offs, pruned, err
}

// pruner makes a subset of the types of an object.
type pruner struct {
	*btfIndex
	*btfwire.Subset
}

func (p *pruner) followNamed(name string) {
	for _, id := range p.named[name] {
		p.Follow(id, btfwire.Everything)
	}
}

// rewriteExt copies records with the new numbers and strings.
func (p *pruner) rewriteExt(ext *extInfo) *extInfo {
	change := [btfwire.ExtTables]func([]byte){
		btfwire.ExtFunctions: p.Renumber,
		btfwire.ExtLines:     func(b []byte) { p.Rename(b); p.Rename(b[4:]) },
		btfwire.ExtCORE:      func(b []byte) { p.Renumber(b); p.Rename(b[4:]) },
	}
	out := new(extInfo)
	for table, size := range btfwire.ExtSizes {
		for place, records := range ext[table] {
			all := make([]byte, 0, len(records)*size)
			moved := make([]extRecord, len(records))
			for i, r := range records {
				start := len(all)
				all = append(all, r.rest...)
				moved[i] = extRecord{r.off, all[start:]}
				change[table](all[start:])
			}
			out[table][place] = moved
		}
	}
	return out
}

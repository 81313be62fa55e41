package elf

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// btfIndex is the types of an object, and how to find those that a link begins with.
type btfIndex struct {
	*btfTypes
	named map[string][]uint32 // variables, their sections, and structures that annotate legacy maps
	tags  map[uint32][]uint32 // declaration tags, by what they are about
}

// indexBTF is nil for an object without types.
func (o *Object) indexBTF() (*btfIndex, error) {
	b, err := o.btfData()
	if b == nil || err != nil {
		return nil, err
	}
	types, err := readBTF(b, o.order)
	if err != nil {
		return nil, err
	}
	x := &btfIndex{types, make(map[string][]uint32), make(map[uint32][]uint32)}
	for i, at := range types.places {
		id := uint32(i + 1)
		name, kind, _ := types.head(at)
		switch kind {
		case btfwire.Var, btfwire.Datasec, btfwire.Struct:
			text, ok := types.stringAt(name)
			if ok && (kind != btfwire.Struct || bytes.HasPrefix(text, []byte(annotation))) {
				x.named[string(text)] = append(x.named[string(text)], id)
			}
		case btfwire.DeclTag:
			about := types.order.Uint32(types.types[at+8:])
			x.tags[about] = append(x.tags[about], id)
		}
	}
	return x, nil
}

// A pruner copies types, with all that they refer to, and gives them numbers and
// strings of their own.
type pruner struct {
	*btfIndex
	ids   map[uint32]uint32 // new by old number, 0 before there is one
	todo  []uint32
	texts map[uint32]uint32 // new by old offset
	out   []byte            // the new strings
	err   error             // the first
}

// Why types are not pruned: the reader of the image will tell what is wrong with odd ones.
var (
	errOddTypes = errors.New("types that are not understood")
	errNumbered = errors.New("an instruction holds the number of a type")
)

// numbered reports whether a table of CO-RE relocations has such.
func (t *extTable) numbered(order byteOrder) bool {
	return slices.ContainsFunc(slices.Concat(t[0], t[1]), func(r extRecord) bool {
		kind := COREKind(order.Uint32(r.rest[8:]))
		return kind == coreTypeIDLocal || kind == coreTypeIDTarget
	})
}

// prune returns a .BTF section with the types that the link needs, with more
// strings added to it and their offsets, and ext as it is with these types.
func (e *emitter) prune(x *btfIndex, ext *extInfo, more []string) (section []byte, offs []uint32, _ *extInfo, err error) {
	if ext[extCORE].numbered(x.order) {
		return nil, nil, nil, errNumbered
	}
	p := &pruner{btfIndex: x, ids: make(map[uint32]uint32), texts: map[uint32]uint32{0: 0}, out: []byte{0}}
	for _, table := range []extTable{ext[extFunctions], ext[extCORE]} {
		for _, r := range slices.Concat(table[0], table[1]) {
			p.follow(p.order.Uint32(r.rest))
		}
	}
	for _, m := range e.link.maps {
		p.followNamed(m.sym.name)
		p.followNamed(annotation + m.sym.name)
	}
	for _, d := range e.link.data {
		p.followNamed(d.name)
	}
	for len(p.todo) > 0 && p.err == nil {
		id := p.todo[len(p.todo)-1]
		p.todo = p.todo[:len(p.todo)-1]
		p.visit(p.record(id), p.followAt, nil)
		for _, tag := range p.tags[id] {
			p.follow(tag)
		}
	}
	types := p.rewrite()
	pruned := p.rewriteExt(ext)
	for _, s := range more {
		offs = append(offs, uint32(len(p.out)))
		p.out = append(append(p.out, s...), 0)
	}
	return encodeBTF(p.order, types, p.out), offs, pruned, p.err
}

// follow has a type copied; 0 is void, which is always there.
func (p *pruner) follow(id uint32) {
	if _, known := p.ids[id]; known || id == 0 {
		return
	}
	if p.record(id) == nil {
		p.err = errOddTypes
		return
	}
	p.ids[id] = 0
	p.todo = append(p.todo, id)
}

func (p *pruner) followAt(b []byte) { p.follow(p.order.Uint32(b)) }

func (p *pruner) followNamed(name string) {
	for _, id := range p.named[name] {
		p.follow(id)
	}
}

// visit calls typ with each place of a record that holds the number of a type, and
// name, unless it is nil, with each that holds a string.
func (p *pruner) visit(r []byte, typ, name func([]byte)) {
	if name == nil {
		name = func([]byte) {}
	}
	name(r)
	each := func(size int, visit func([]byte)) {
		for b := r[btfwire.TypeSize:]; len(b) >= size; b = b[size:] {
			visit(b)
		}
	}
	switch _, kind, _ := (&btfTypes{order: p.order, types: r}).head(0); kind {
	case btfwire.Int, btfwire.Forward, btfwire.Float:
	case btfwire.Pointer, btfwire.Typedef, btfwire.Volatile, btfwire.Const, btfwire.Restrict, btfwire.Func, btfwire.Var, btfwire.DeclTag, btfwire.TypeTag:
		typ(r[8:])
	case btfwire.Array:
		typ(r[btfwire.TypeSize:])
		typ(r[btfwire.TypeSize+4:])
	case btfwire.Struct, btfwire.Union:
		each(12, func(b []byte) { name(b); typ(b[4:]) })
	case btfwire.Enum:
		each(8, name)
	case btfwire.Enum64:
		each(12, name)
	case btfwire.FuncProto:
		typ(r[8:])
		each(8, func(b []byte) { name(b); typ(b[4:]) })
	case btfwire.Datasec:
		each(12, typ)
	default:
		p.err = errOddTypes
	}
}

// rewrite copies the types in their order.
func (p *pruner) rewrite() (types []byte) {
	old := slices.Sorted(maps.Keys(p.ids))
	for i, id := range old {
		p.ids[id] = uint32(i + 1)
	}
	for _, id := range old {
		start := len(types)
		types = append(types, p.record(id)...)
		p.visit(types[start:], p.renumber, p.rename)
	}
	return types
}

func (p *pruner) renumber(b []byte) { p.order.PutUint32(b, p.ids[p.order.Uint32(b)]) }

// rename moves a string. Strings of a sound object do not overlap, so those
// that are moved are never longer than all.
func (p *pruner) rename(b []byte) {
	old := p.order.Uint32(b)
	at, moved := p.texts[old]
	if !moved {
		s, ok := p.stringAt(old)
		if !ok || len(p.out)+len(s) >= len(p.strings)+1 {
			p.err = errOddTypes
			return
		}
		at = uint32(len(p.out))
		p.texts[old] = at
		p.out = append(append(p.out, s...), 0)
	}
	p.order.PutUint32(b, at)
}

// rewriteExt copies records with the new numbers and strings.
func (p *pruner) rewriteExt(ext *extInfo) *extInfo {
	change := [len(extSizes)]func([]byte){
		extFunctions: p.renumber,
		extLines:     func(b []byte) { p.rename(b); p.rename(b[4:]) },
		extCORE:      func(b []byte) { p.renumber(b); p.rename(b[4:]) },
	}
	out := new(extInfo)
	for table, size := range extSizes {
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

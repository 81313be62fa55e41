package elf

import (
	"bytes"
	"errors"
	"slices"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// btfError says what is wrong with section .BTF or .BTF.ext.
func btfError(section string, err error) error {
	if e, ok := errors.AsType[*btfwire.Error](err); ok {
		return &FormatError{Section: section, Offset: e.Offset, Msg: e.Msg}
	}
	return err
}

// btfIndex is the types of an object, and how to find those that a link begins with.
type btfIndex struct {
	*btfwire.Types
	named map[string][]uint32 // variables, their sections, and structures that annotate legacy maps
	tags  map[uint32][]uint32 // declaration tags, by what they are about
	held  []uint32            // structures that lists and trees hold, which only tags name

	catchers map[uint32]string // functions that run when one throws, which only tags name
}

// indexBTF is nil for an object without types.
func (o *Object) indexBTF() (*btfIndex, error) {
	b, err := o.btfData()
	if b == nil || err != nil {
		return nil, err
	}
	types, err := btfwire.Read(o.order, b)
	if err != nil {
		return nil, btfError(btfSection, err)
	}
	x := &btfIndex{Types: types, named: make(map[string][]uint32), tags: make(map[uint32][]uint32), catchers: make(map[uint32]string)}
	held := make(map[string]bool)
	for i, at := range types.Places {
		id := uint32(i + 1)
		name, kind, _ := types.Head(at)
		switch kind {
		case btfwire.Var, btfwire.Datasec, btfwire.Struct:
			text, ok := types.String(name)
			if ok && (kind != btfwire.Struct || bytes.HasPrefix(text, []byte(annotation))) {
				x.named[string(text)] = append(x.named[string(text)], id)
			}
		case btfwire.DeclTag:
			about := types.Order.Uint32(types.Records[at+8:])
			x.tags[about] = append(x.tags[about], id)
			if text, _ := types.String(name); bytes.HasPrefix(text, []byte(Contains)) {
				structure, _, _ := bytes.Cut(text[len(Contains):], []byte(":"))
				held[string(structure)] = true
			} else if name, ok := bytes.CutPrefix(text, []byte(Catches)); ok {
				x.catchers[about] = string(name)
			}
		}
	}
	if len(held) > 0 {
		x.findHeld(held)
	}
	return x, nil
}

// Catches begins the tag of a program that says what runs in its place after it has thrown an
// exception: "exception_callback:NAME" (kernel/bpf/btf.c, btf_prepare_func_args and btf_find_next_decl_tag).
const Catches = "exception_callback:"

// Contains begins the tag of a list or tree in a map's value: "contains:NAME:MEMBER" names the
// structure that it holds, and the member that links them (include/linux/btf.h).
const Contains = "contains:"

func (x *btfIndex) findHeld(names map[string]bool) {
	for i, at := range x.Places {
		name, kind, _ := x.Head(at)
		if text, _ := x.String(name); kind == btfwire.Struct && names[string(text)] {
			x.held = append(x.held, uint32(i+1))
		}
	}
}

// follow returns a type, or, if it is of one of the kinds, what it refers to; nothing of any kind
// where that leads nowhere.
func (x *btfIndex) follow(id uint32, kinds ...int) []byte {
	for range 16 {
		record, err := x.Record(id)
		if err != nil {
			break
		}
		if _, kind, _ := btfwire.Head(x.Order, record); !slices.Contains(kinds, kind) {
			return record
		}
		id = x.Order.Uint32(record[8:])
	}
	return make([]byte, btfwire.TypeSize)
}

// functionsOnly returns the BTF without the variables of a section that holds functions too.
func (x *btfIndex) functionsOnly(section string) []byte {
	records := x.Records
	for _, id := range x.named[section] {
		record, _ := x.Record(id)
		if _, kind, _ := btfwire.Head(x.Order, record); kind == btfwire.Datasec {
			at := x.Places[id-1]
			records = slices.Concat(records[:at], x.functionsOf(record), records[at+len(record):])
			break
		}
	}
	return btfwire.Encode(x.Order, records, x.Strings)
}

// functionsOf returns the record of a section without its variables.
func (x *btfIndex) functionsOf(record []byte) []byte {
	out := slices.Clone(record[:btfwire.TypeSize])
	kept := uint32(0)
	for info := range slices.Chunk(record[btfwire.TypeSize:], 12) { // struct btf_var_secinfo: a type, and where it is
		about, err := x.Record(x.Order.Uint32(info))
		if err != nil {
			continue
		}
		if _, kind, _ := btfwire.Head(x.Order, about); kind == btfwire.Func {
			out = append(out, info...)
			kept++
		}
	}
	x.Order.PutUint32(out[4:], x.Order.Uint32(out[4:])&^btfwire.CountMask|kept)
	return out
}

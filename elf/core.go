package elf

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// CORE is a relocation that a loader computes from the BTF of the kernel
// (compile once, run everywhere).
type CORE struct {
	Offset uint64   // of the instruction, bytes from the start of the section
	Type   btf.Type // that the program was compiled with, nil when it cannot be read
	Access string   // the path in it, as numbers: "0:1:2"
	Kind   COREKind
}

// Relocations says what the CO-RE relocations of instructions are, see
// [btf.CORERelocationMetadata].
type Relocations map[*btf.CORERelocation]CORE

// COREKind is what of a type is asked for: enum bpf_core_relo_kind, include/uapi/linux/bpf.h.
type COREKind uint32

// The kinds. An instruction of CORETypeIDLocal or CORETypeIDTarget holds the number of a type.
const (
	COREFieldByteOffset COREKind = iota
	COREFieldByteSize
	COREFieldExists
	COREFieldSigned
	COREFieldLeftShift
	COREFieldRightShift
	CORETypeIDLocal
	CORETypeIDTarget
	CORETypeExists
	CORETypeSize
	COREEnumValueExists
	COREEnumValue
	CORETypeMatches
)

// String returns the kernel's name of the kind without its prefix, such as "field_byte_offset".
func (k COREKind) String() string {
	names := [...]string{
		"field_byte_offset", "field_byte_size", "field_exists", "field_signed", "field_lshift_u64", "field_rshift_u64",
		"type_id_local", "type_id_target", "type_exists", "type_size", "enumval_exists", "enumval_value", "type_matches",
	}
	if int64(k) < int64(len(names)) {
		return names[k]
	}
	return "unknown"
}

// CORERelocations returns the CO-RE relocations of a program or subprogram of
// this object by offset. The error is a [*FormatError].
func (o *Object) CORERelocations(p Program) ([]CORE, error) {
	records, names, err := o.extRecords(btfwire.ExtCORE, p)
	if err != nil || len(records) == 0 {
		return nil, o.fault(err)
	}
	types, err := o.types()
	if err != nil {
		return nil, err
	}
	var out []CORE
	for _, r := range records {
		c := CORE{Offset: r.off, Kind: r.kind(o.order)}
		c.Access, _ = tableString(names, o.order.Uint32(r.rest[4:]))
		c.Type, _ = types.byID(o.order.Uint32(r.rest))
		out = append(out, c)
	}
	return out, nil
}

// kind returns that of a CO-RE relocation.
func (r extRecord) kind(order byteOrder) COREKind { return COREKind(order.Uint32(r.rest[8:])) }

// Target names what of a type is asked for, such as "field sk_buff.len", as a compiler would.
func (c CORE) Target() string {
	if c.Type == nil {
		return "what is at " + naming.Clip(c.Access) + " of a type that cannot be read"
	}
	name := TypeName(c.Type)
	path := strings.Split(c.Access, ":")
	switch {
	case c.Kind >= CORETypeIDLocal && c.Kind <= CORETypeSize || c.Kind == CORETypeMatches:
		return "type " + name
	case c.Kind == COREEnumValueExists || c.Kind == COREEnumValue:
		return "value " + enumName(bare(c.Type), path[0]) + " of " + name
	}
	structure, _, _ := strings.Cut(c.Type.TypeName(), "___") // without the flavour, which the kernel does not have
	var field strings.Builder
	field.WriteString("field " + structure)
	at := c.Type
	for _, index := range path[1:] {
		n, err := strconv.ParseUint(index, 10, 32)
		if err != nil {
			return "field of " + name
		}
		if arr, ok := bare(at).(*btf.Array); ok {
			field.WriteString("[" + index + "]")
			at = arr.Type
			continue
		}
		all := members(bare(at))
		if n >= uint64(len(all)) {
			return "field of " + name
		}
		if all[n].Name != "" {
			field.WriteString("." + all[n].Name)
		}
		at = all[n].Type
	}
	return naming.Clip(field.String())
}

// enumName is the name of a value by its place.
func enumName(t btf.Type, index string) string {
	n, err := strconv.ParseUint(index, 10, 32)
	if e, ok := t.(*btf.Enum); ok && err == nil && n < uint64(len(e.Values)) {
		return e.Values[n].Name
	}
	return index
}

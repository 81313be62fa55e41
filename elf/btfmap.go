package elf

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// typeInfo is the object's own BTF, as it is in the file.
type typeInfo struct{ spec *btf.Spec }

// Types returns the BTF of the object as the compiler wrote it: sizes and
// offsets of data sections are often zero in it. It is shared and must not be changed.
// The error is a [*FormatError], also when the object has no BTF.
func (o *Object) Types() (*btf.Spec, error) {
	types, err := o.types()
	return types.spec, err
}

func (o *Object) parseTypes() (types typeInfo, err error) {
	b, err := o.btfData()
	if err == nil && b == nil {
		err = faultIn("", 0, "no BTF: compile with clang -g")
	}
	if err != nil {
		return types, o.fault(err)
	}
	err = catch(func() error {
		types.spec, err = btf.LoadSpecFromReader(bytes.NewReader(b))
		return err
	})
	if err != nil {
		return types, o.fault(faultIn(btfSection, 0, "not readable").because(err))
	}
	return types, nil
}

// byID returns a type by its number in the file.
func (t typeInfo) byID(id uint32) (typ btf.Type, err error) {
	err = catch(func() error {
		typ, err = t.spec.TypeByID(btf.TypeID(id))
		return err
	})
	return typ, err
}

const (
	btfSection    = ".BTF"
	btfExtSection = ".BTF.ext"
)

// catch turns a panic of the libraries that read a file's structures into an error.
func catch(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed: %v", r)
		}
	}()
	return f()
}

// btfMap reads a map of section ".maps" with the types of spec.
func (o *Object) btfMap(sym *part, spec *btf.Spec) (Map, error) {
	m := Map{Name: sym.name, Section: sym.section.Name, Offset: sym.start, Style: StyleBTF, Static: sym.static}
	err := catch(func() error {
		def, err := mapDefinition(spec, sym.name)
		if err != nil {
			return err
		}
		values, err := m.define(def)
		if err != nil {
			return err
		}
		return o.btfContents(&m, sym, values)
	})
	if err != nil {
		return Map{}, faultIn(sym.section.Name, sym.start, "map %q", sym.name).because(err)
	}
	return m, nil
}

// mapDefinition finds the structure that describes a map. Variables of other
// sections may have the map's name.
func mapDefinition(spec *btf.Spec, name string) (*btf.Struct, error) {
	types, err := spec.AnyTypesByName(name)
	if err != nil && !errors.Is(err, btf.ErrNotFound) {
		return nil, err
	}
	for _, t := range types {
		v, ok := t.(*btf.Var)
		if !ok {
			continue
		}
		if def, ok := btf.UnderlyingType(v.Type).(*btf.Struct); ok && memberNamed(def, "type") != nil {
			return def, nil
		}
	}
	return nil, errors.New("no definition in BTF")
}

func memberNamed(s *btf.Struct, name string) *btf.Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

// define fills the map from the members of its definition
// (docs.kernel.org/bpf/libbpf, BTF-defined maps) and returns the one of initial values.
func (m *Map) define(def *btf.Struct) (values *btf.Member, err error) {
	for i := range def.Members {
		member := &def.Members[i]
		switch member.Name {
		case "type":
			err = number(member, (*uint32)(&m.Type))
		case "map_flags":
			err = number(member, &m.Flags)
		case "max_entries":
			err = number(member, &m.MaxEntries)
		case "key_size":
			err = number(member, &m.KeySize)
		case "value_size":
			err = number(member, &m.ValueSize)
		case "key":
			m.Key, m.KeySize, err = pointee(member)
		case "value":
			m.Value, m.ValueSize, err = pointee(member)
		case "map_extra":
			m.Extra, err = numberOf(member.Type)
		case "pinning":
			err = m.pinByBTF(member)
		case "values":
			values = member
			err = m.defineValues(member)
		case "numa_node":
			err = number(member, &m.NumaNode)
		default:
			err = errors.New("unknown member of a map definition")
		}
		if err != nil {
			return nil, naming.Errorf("%s: %w", member.Name, err)
		}
	}
	m.fixValueSize()
	return values, nil
}

// fixValueSize gives 0 to maps whose value type is only a note for people,
// and the size of a descriptor to maps of objects.
func (m *Map) fixValueSize() {
	switch m.Type {
	case ebpf.RingBuf, ebpf.UserRingbuf, ebpf.Arena:
		if m.Value != nil {
			m.ValueSize = 0
		}
	case ebpf.PerfEventArray:
		m.KeySize, m.ValueSize = 4, 4
	case ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		if m.ValueSize == 0 {
			m.ValueSize = 4
		}
	}
}

func (m *Map) pinByBTF(member *btf.Member) error {
	var n uint32
	if err := number(member, &n); err != nil {
		return err
	}
	m.Pinning = Pinning(n)
	if n == libbpfPinByName {
		m.Pinning = PinByName
	}
	return nil
}

// libbpfPinByName is LIBBPF_PIN_BY_NAME, libbpf's bpf_helpers.h. The same number
// means PIN_OBJECT_NS in a legacy map.
const libbpfPinByName = 1

// defineValues reads the type of an array of functions or of inner maps.
func (m *Map) defineValues(member *btf.Member) error {
	arr, ok := member.Type.(*btf.Array)
	if !ok {
		return fmt.Errorf("%s is not an array", TypeName(member.Type))
	}
	ptr, ok := btf.UnderlyingType(arr.Type).(*btf.Pointer)
	if !ok {
		return fmt.Errorf("%s is not an array of pointers", TypeName(member.Type))
	}
	switch t := btf.UnderlyingType(ptr.Target).(type) {
	case *btf.FuncProto:
		return nil
	case *btf.Struct:
		inner := Map{Name: m.Name + ".inner", Section: m.Section, Style: StyleBTF}
		nested, err := inner.define(t)
		if err == nil && nested != nil {
			err = errors.New("the inner map has values of its own")
		}
		m.Inner = &inner
		return err
	}
	return fmt.Errorf("an array of pointers to %v", ptr.Target)
}

// pointee reads __type(name, type): a pointer to the type.
func pointee(member *btf.Member) (btf.Type, uint32, error) {
	ptr, ok := member.Type.(*btf.Pointer)
	if !ok {
		return nil, 0, fmt.Errorf("%s is not a pointer", TypeName(member.Type))
	}
	size, err := btf.Sizeof(ptr.Target)
	return ptr.Target, uint32(size), err
}

func number(member *btf.Member, n *uint32) error {
	v, err := numberOf(member.Type)
	if err == nil && v > 1<<32-1 {
		err = fmt.Errorf("%d does not fit in 32 bits", v)
	}
	*n = uint32(v)
	return err
}

// numberOf reads __uint(name, n), a pointer to an array of n, and
// __ulong(name, n), an enumeration whose first value is n.
func numberOf(t btf.Type) (uint64, error) {
	switch t := t.(type) {
	case *btf.Pointer:
		if arr, ok := t.Target.(*btf.Array); ok {
			return uint64(arr.Nelems), nil
		}
	case *btf.Enum:
		if len(t.Values) > 0 {
			return t.Values[0].Value, nil
		}
	}
	return 0, fmt.Errorf("%v is not a number", t)
}

// btfContents reads the initial values of a map: each is a relocation to a
// function or to another map. The definition itself has no values.
func (o *Object) btfContents(m *Map, sym *part, values *btf.Member) error {
	refs, err := o.mapRefs(sym)
	if err != nil {
		return err
	}
	if err := o.checkZero(sym, refs); err != nil || len(refs) == 0 {
		return err
	}
	if values == nil {
		return errors.New("initial values without a member to hold them")
	}
	const pointer = 8
	first := sym.start + uint64(values.Offset.Bytes())
	for _, ref := range refs {
		if ref.off < first || (ref.off-first)%pointer != 0 {
			return fmt.Errorf("a value at byte %#x that is not an element", ref.off)
		}
		key := (ref.off - first) / pointer
		if key >= uint64(m.MaxEntries) && m.Type != ebpf.HashOfMaps {
			return naming.Errorf("%q at key %d of %d entries", ref.name(), key, m.MaxEntries)
		}
		if (ref.fn != nil) != (m.Type == ebpf.ProgramArray) {
			return naming.Errorf("key %d: %q does not go into a map of type %s", key, ref.name(), kernelname.Map(m.Type))
		}
		m.Contents = append(m.Contents, Slot{uint32(key), ref.name()})
	}
	return nil
}

// checkZero refuses a definition that is initialised like a structure of
// section "maps", which nothing would read.
func (o *Object) checkZero(sym *part, refs []mapRef) error {
	data, err := sectionData(o.image, sym.section)
	if err != nil {
		return err
	}
	for at := sym.start; at < min(sym.start+sym.size, uint64(len(data))); at++ {
		if len(refs) > 0 && at >= refs[0].off+8 {
			refs = refs[1:]
		}
		if data[at] != 0 && (len(refs) == 0 || at < refs[0].off) {
			return fmt.Errorf("a value at byte %#x, where BTF describes a type", at)
		}
	}
	return nil
}

// mapRef is a function or map that a map definition points at.
type mapRef struct {
	target
	off uint64 // bytes from the start of the section
}

func (r *mapRef) name() string {
	if r.fn != nil {
		return r.fn.name
	}
	return r.m.name
}

// mapRefs returns what the initial values of a BTF map point at.
func (o *Object) mapRefs(sym *part) ([]mapRef, error) {
	data, err := sectionData(o.image, sym.section)
	if err != nil {
		return nil, err
	}
	relocs, err := o.relocations(sym.section)
	if err != nil {
		return nil, err
	}
	var refs []mapRef
	for _, r := range within(relocs, sym.start, sym.start+sym.size) {
		if r.Offset+8 > uint64(len(data)) {
			return nil, faultIn(sym.section.Name, r.Offset, "a relocation past the end of the section")
		}
		t, err := o.resolve(r.Symbol, o.order.Uint64(data[r.Offset:]))
		if err == nil && t.fn == nil && t.m == nil {
			err = naming.Errorf("%q is neither a function nor a map of the object", o.symbols[r.Symbol].Name)
		}
		if err != nil {
			return nil, faultIn(sym.section.Name, r.Offset, "map %q", sym.name).because(err)
		}
		refs = append(refs, mapRef{t, r.Offset})
	}
	return refs, nil
}

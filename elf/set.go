package elf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Set writes a value to a variable of a spec that this object made, before it
// is loaded. The variable is a name with ".member" and "[index]" after it; a static variable
// counts too. The text is read as the type that BTF gives: integers in any base
// that Go has, true and false, the names of an enumeration, text in an array of char, an
// IPv4, IPv6 or Ethernet address in an array of 4, 16 or 6 bytes, or the elements of an
// array with commas between them, in brackets or not: "80,443", "[80]". Integers of type __be16, __be32 and __be64
// are stored in network byte order.
//
// An error says the type, and leaves the spec as it was.
func (o *Object) Set(spec *ebpf.CollectionSpec, variable, value string) error {
	if err := o.set(spec, variable, value); err != nil {
		return fmt.Errorf("%s: variable %q: %w", o.path, naming.Clip(variable), err)
	}
	return nil
}

func (o *Object) set(spec *ebpf.CollectionSpec, variable, value string) error {
	v, path, err := o.findVariable(variable)
	if err != nil {
		return err
	}
	if v.Type == nil {
		return errors.New("its type is not known: compile with clang -g")
	}
	contents, err := sectionContents(spec, v)
	if err != nil {
		return err
	}
	var field place
	err = catch(func() error {
		if field, err = locate(v.Type, path); err != nil {
			return err
		}
		return field.check(v.Size)
	})
	if err != nil {
		return err
	}
	b, err := encode(field.typ, o.order, value)
	if err != nil {
		return naming.Errorf("%q does not fit %s: %w", value, TypeName(field.typ), err)
	}
	copy(contents[v.Offset+field.off:], b)
	if vs := spec.Variables[v.Name]; vs != nil && field.off+uint64(len(b)) <= uint64(len(vs.Value)) {
		copy(vs.Value[field.off:], b)
	}
	return nil
}

// findVariable splits "peers[1].port" into the variable and the rest.
func (o *Object) findVariable(name string) (Variable, string, error) {
	vars, err := o.Variables()
	if err != nil {
		return Variable{}, "", err
	}
	best := -1
	for i, v := range vars {
		rest, ok := strings.CutPrefix(name, v.Name)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (best < 0 || len(v.Name) > len(vars[best].Name)) {
			best = i
		}
	}
	if best < 0 {
		return Variable{}, "", fmt.Errorf("no such variable; the object has %s", variableNames(vars))
	}
	return vars[best], name[len(vars[best].Name):], nil
}

func variableNames(vars []Variable) string {
	if len(vars) == 0 {
		return "none"
	}
	var names []string
	for _, v := range vars[:min(len(vars), maxCandidates)] {
		names = append(names, naming.Clip(v.Name))
	}
	if n := len(vars) - len(names); n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// sectionContents returns the bytes of the map that holds the variable.
func sectionContents(spec *ebpf.CollectionSpec, v Variable) ([]byte, error) {
	m := spec.Maps[v.Section]
	if m == nil {
		return nil, naming.Errorf("the program does not use section %q", v.Section)
	}
	if len(m.Contents) == 1 {
		if b, ok := m.Contents[0].Value.([]byte); ok && v.Offset+v.Size <= uint64(len(b)) {
			return b, nil
		}
	}
	return nil, naming.Errorf("section %q of the spec has no bytes for it", v.Section)
}

// place is a part of a variable.
type place struct {
	typ  btf.Type
	off  uint64 // bytes from the start of the variable
	bits bool   // a bit field
}

func (p place) check(size uint64) error {
	n, err := btf.Sizeof(p.typ)
	switch {
	case err != nil:
		return err
	case p.bits:
		return fmt.Errorf("a bit field of %s cannot be set", TypeName(p.typ))
	case p.off+uint64(n) > size:
		return fmt.Errorf("%s goes past the end of the variable", TypeName(p.typ))
	}
	return nil
}

// locate follows ".member" and "[index]" into a type.
func locate(t btf.Type, path string) (place, error) {
	p := place{typ: t}
	for path != "" {
		var word string
		var err error
		if path[0] == '[' {
			word, path, _ = strings.Cut(path[1:], "]")
			err = p.element(word)
		} else {
			end := strings.IndexAny(path[1:], ".[") + 1
			if end == 0 {
				end = len(path)
			}
			word, path = path[1:end], path[end:]
			err = p.member(word)
		}
		if err != nil {
			return p, err
		}
		if path != "" && path[0] != '.' && path[0] != '[' {
			return p, naming.Errorf("%q after an element, where . or [ could be", path)
		}
	}
	return p, nil
}

func (p *place) element(index string) error {
	arr, ok := bare(p.typ).(*btf.Array)
	if !ok {
		return fmt.Errorf("%s is not an array", TypeName(p.typ))
	}
	i, err := strconv.ParseUint(index, 0, 32)
	if err != nil || i >= uint64(arr.Nelems) {
		return naming.Errorf("%s has no element %q", TypeName(p.typ), index)
	}
	size, err := btf.Sizeof(arr.Type)
	p.typ = arr.Type
	p.off += i * uint64(size)
	return err
}

func (p *place) member(name string) error {
	m, off, ok := findMember(bare(p.typ), name, 0)
	if !ok {
		return naming.Errorf("%s has no member %q", TypeName(p.typ), name)
	}
	p.typ, p.bits = m.Type, m.BitfieldSize != 0
	p.off += uint64(off)
	return nil
}

// findMember looks into members without a name too, as C does.
func findMember(t btf.Type, name string, depth int) (m btf.Member, off uint32, ok bool) {
	if depth > 16 {
		return m, 0, false
	}
	for _, m := range members(t) {
		if m.Name == name && name != "" {
			return m, m.Offset.Bytes(), true
		}
		if m.Name != "" {
			continue
		}
		if inner, off, ok := findMember(bare(m.Type), name, depth+1); ok {
			return inner, off + m.Offset.Bytes(), true
		}
	}
	return m, 0, false
}

func members(t btf.Type) []btf.Member {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}

// bare removes typedefs and qualifiers.
func bare(t btf.Type) btf.Type { return btf.UnderlyingType(t) }

// encode writes text as a value of type t.
func encode(t btf.Type, order binary.ByteOrder, text string) ([]byte, error) {
	switch u := bare(t).(type) {
	case *btf.Int:
		if isBigEndian(t) {
			order = binary.BigEndian
		}
		return encodeInt(u, order, text)
	case *btf.Enum:
		return encodeEnum(u, order, text)
	case *btf.Array:
		return encodeArray(u, order, text)
	case *btf.Struct:
		return encodeWrapped(u.Size, u.Members, order, text)
	case *btf.Union:
		return encodeWrapped(u.Size, u.Members, order, text)
	}
	return nil, errors.New("a value of this type cannot be set")
}

// isBigEndian reports whether the type says that it is in network byte order.
func isBigEndian(t btf.Type) bool {
	for range 16 {
		switch u := t.(type) {
		case *btf.Typedef:
			if slices.Contains([]string{"__be16", "__be32", "__be64"}, u.Name) {
				return true
			}
			t = u.Type
		case *btf.Const:
			t = u.Type
		case *btf.Volatile:
			t = u.Type
		default:
			return false
		}
	}
	return false
}

package btfjson

import (
	"fmt"
	"strconv"
)

// A Conversion makes values of one type of those of another, by the names of members. It is
// immutable and safe for concurrent use.
type Conversion struct {
	root conversion
	// Dropped are the parts that the other type has no counterpart of, and Added those of
	// which the first has none, which are zero: as [Codec.Part] takes them.
	Dropped, Added []string
}

// A conversion is that of one part, at an offset in both types.
type conversion struct {
	from, to field
	whole    bool         // all bytes as they are
	parts    []conversion // of a structure
	elem     *conversion  // of an array, for the first n elements
	n        int
}

// NewConversion compares two types.
func NewConversion(from, to *Codec) *Conversion {
	c := new(Conversion)
	root, ok := c.part("", field{codec: from}, field{codec: to})
	if !ok {
		c.Dropped, c.Added = []string{""}, []string{""}
	}
	c.root = root
	return c
}

// Nothing reports whether the types have nothing in common.
func (c *Conversion) Nothing() bool {
	return len(c.Dropped) == 1 && c.Dropped[0] == ""
}

// Convert makes dst, which is zero, of src.
func (c *Conversion) Convert(dst, src []byte) error { return c.root.convert(dst, src) }

func (c *Conversion) part(path string, from, to field) (conversion, bool) {
	p := conversion{from: from, to: to}
	a, b := from.codec, to.codec
	switch {
	case from.bits == 0 && to.bits == 0 && a.same(b):
		p.whole = true
	case from.bits > 0 || to.bits > 0 || a.elem == nil && a.kind != kindStruct:
		return p, a.numeric() && b.numeric() && (a.kind == kindFloat) == (b.kind == kindFloat)
	case a.kind == kindStruct && b.kind == kindStruct:
		c.members(&p, path, a, b)
	case a.elem != nil && b.elem != nil:
		elem, ok := c.part(path+"[]", field{codec: a.elem}, field{codec: b.elem})
		if !ok {
			return p, false
		}
		p.n, p.elem = min(a.n, b.n), &elem
		c.Dropped = appendElements(c.Dropped, path, b.n, a.n)
		c.Added = appendElements(c.Added, path, a.n, b.n)
	default:
		return p, false
	}
	return p, true
}

func (c *Conversion) members(p *conversion, path string, a, b *Codec) {
	if path != "" {
		path += "."
	}
	for i := range b.fields {
		to := b.fields[i]
		from, _ := a.field([]byte(to.name), i)
		if from == nil {
			c.Added = append(c.Added, path+to.name)
			continue
		}
		part, ok := c.part(path+to.name, *from, to)
		if !ok {
			c.Dropped, c.Added = append(c.Dropped, path+to.name), append(c.Added, path+to.name)
			continue
		}
		p.parts = append(p.parts, part)
	}
	for i := range a.fields {
		if other, _ := b.field([]byte(a.fields[i].name), i); other == nil {
			c.Dropped = append(c.Dropped, path+a.fields[i].name)
		}
	}
}

func appendElements(list []string, path string, from, to int) []string {
	switch {
	case from >= to:
		return list
	case from == to-1:
		return append(list, path+"["+strconv.Itoa(from)+"]")
	}
	return append(list, fmt.Sprintf("%s[%d] to [%d]", path, from, to-1))
}

// same reports whether both have the same bytes for the same values, and names for the same
// parts.
func (c *Codec) same(o *Codec) bool {
	if c.kind != o.kind || c.size != o.size || c.network != o.network || c.n != o.n || len(c.fields) != len(o.fields) {
		return false
	}
	if len(c.values) > 0 || len(o.values) > 0 {
		return c == o || sameValues(c.values, o.values)
	}
	for i := range c.fields {
		a, b := &c.fields[i], &o.fields[i]
		if a.name != b.name || a.offset != b.offset || a.bits != b.bits || a.shift != b.shift || !a.codec.same(b.codec) {
			return false
		}
	}
	return c.elem == nil && o.elem == nil || c.elem != nil && o.elem != nil && c.elem.same(o.elem)
}

func sameValues(a, b []enumValue) bool {
	for _, v := range a {
		if n, ok := valueOf(b, v.name); ok && n != v.value {
			return false
		}
	}
	return true
}

func valueOf(values []enumValue, name string) (uint64, bool) {
	for _, v := range values {
		if v.name == name {
			return v.value, true
		}
	}
	return 0, false
}

func (c *Codec) numeric() bool {
	switch c.kind {
	case kindUint, kindInt, kindBool, kindEnum, kindFloat:
		return true
	default:
		return false
	}
}

func (p *conversion) convert(dst, src []byte) error {
	dst, src = dst[p.to.offset:], src[p.from.offset:]
	switch {
	case p.whole:
		copy(dst, src[:p.to.codec.size])
	case p.elem != nil:
		for i := range p.n {
			if err := p.elem.convert(dst[i*p.to.codec.elem.size:], src[i*p.from.codec.elem.size:]); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
	case p.from.codec.kind == kindStruct:
		for i := range p.parts {
			if err := p.parts[i].convert(dst, src); err != nil {
				return fmt.Errorf("%s: %w", p.parts[i].to.name, err)
			}
		}
	default:
		return p.number(dst, src)
	}
	return nil
}

// number converts what is read and written as one: an enumeration by its name, if both have it.
func (p *conversion) number(dst, src []byte) error {
	from, to := p.from, p.to
	from.offset, to.offset = 0, 0
	raw := from.codec.load(src)
	if from.bits > 0 {
		raw = from.load(src)
	}
	text := string(from.codec.appendNumber(nil, raw))
	if text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	if from.codec.values != nil {
		if _, ok := valueOf(to.codec.values, text); !ok {
			plain := *from.codec
			plain.values = nil
			text = string(plain.appendNumber(nil, raw))
		}
	}
	switch {
	case to.codec.kind == kindBool:
		text = strconv.FormatBool(text != "0" && text != "false")
	case text == "true":
		text = "1"
	case text == "false":
		text = "0"
	}
	if to.bits > 0 {
		return to.set(dst, text)
	}
	return to.codec.Set(dst, text)
}

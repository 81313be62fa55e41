package btfjson

import (
	"fmt"
	"strconv"
	"strings"
)

// A Part is what a path such as ".peers[1].port" names in the values of a type. It is
// immutable and safe for concurrent use.
type Part struct{ at field }

// Part finds a part. The empty path is the whole; the first dot may be left out.
func (c *Codec) Part(path string) (Part, error) {
	p := Part{field{codec: c}}
	for rest := path; rest != ""; {
		var err error
		if element, ok := strings.CutPrefix(rest, "["); ok {
			rest, err = p.element(element)
		} else {
			rest, err = p.member(strings.TrimPrefix(rest, "."))
		}
		if err != nil {
			return Part{}, err
		}
	}
	return p, nil
}

func (p *Part) element(path string) (rest string, err error) {
	digits, rest, closed := strings.Cut(path, "]")
	i, err := strconv.Atoi(digits)
	c := p.at.codec
	switch {
	case !closed || err != nil:
		return "", fmt.Errorf("%s where the number of an element and ] are expected", Quote(path))
	case p.at.bits > 0 || c.elem == nil:
		return "", fmt.Errorf("no array, of which there were an element %d", i)
	case i < 0 || i >= c.n:
		return "", fmt.Errorf("no element %d, there are %d", i, c.n)
	}
	p.at = field{name: p.at.name, offset: p.at.offset + i*c.elem.size, codec: c.elem}
	return rest, nil
}

func (p *Part) member(path string) (rest string, err error) {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	f, _ := p.at.codec.field([]byte(path[:end]), 0)
	if f == nil || p.at.bits > 0 {
		return "", p.at.codec.noMember([]byte(path[:end]))
	}
	offset := p.at.offset
	p.at = *f
	p.at.offset += offset
	return path[end:], nil
}

// noMember says which there are.
func (c *Codec) noMember(name []byte) error {
	if len(c.fields) == 0 {
		return fmt.Errorf("no member %s: it is no structure", Quote(name))
	}
	names := make([]string, len(c.fields))
	for i := range c.fields {
		names[i] = c.fields[i].name
	}
	return fmt.Errorf("no member %s, there are %s", Quote(name), clip(strings.Join(names, ", ")))
}

// Set reads one word into the part of a value, as [Codec.Set] does.
func (p Part) Set(value []byte, word string) error {
	if p.at.bits > 0 {
		return p.at.set(value, word)
	}
	return p.at.codec.Set(value[p.at.offset:], word)
}

// Update reads a word of a command line into the part of a value: JSON where it looks so,
// of which what is left out stays as it is, else as Set.
func (p Part) Update(value []byte, word string) error {
	if word == "" || word[0] != '{' && word[0] != '[' && word[0] != '"' {
		return p.Set(value, word)
	}
	rest, err := p.at.parse(value, []byte(word))
	if err == nil && !Blank(rest) {
		err = fmt.Errorf("%s after the value", Quote(rest))
	}
	return err
}

// Uint returns what reads the part as a number of eight bytes, and whether it is an integer
// or an enumeration; one that is negative is extended.
func (p Part) Uint() (read func(value []byte) uint64, ok bool) {
	at := p.at
	switch at.codec.kind {
	case kindUint, kindInt, kindEnum:
	default:
		return nil, false
	}
	if at.bits > 0 {
		return at.load, true
	}
	return func(value []byte) uint64 { return at.codec.load(value[at.offset:]) }, true
}

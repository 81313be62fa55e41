package btfjson

import (
	"fmt"
	"math"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// Codec writes and reads the values of one type. It is immutable and safe for
// concurrent use.
type Codec struct {
	kind    kind
	size    int  // bytes
	network bool // the number is in network byte order
	address bool // of IP or Ethernet, in network byte order
	prefix  bool // a number of bits, and an IP address
	names   *Names
	fields  []field // kindStruct
	holes   []span  // of what no field is in
	elem    *Codec  // kindArray and kindText
	n       int     // elements
	values  []enumValue
	leaves  int // of all that a value writes, as far as maxLeaves
	height  int // of the types in one another
}

type kind uint8

const (
	kindRaw kind = iota
	kindUint
	kindInt
	kindBool
	kindEnum
	kindFloat
	kindStruct
	kindArray
	kindText
)

type field struct {
	name   string
	quoted string // with the colon after it
	offset int    // bytes
	codec  *Codec
	bits   uint // 0: no bit field
	shift  uint // bits from offset, as the machine numbers them
}

type enumValue struct {
	name  string
	value uint64 // as wide as the enumeration, the rest zero
}

const (
	// maxDepth bounds how deep types lie in one another; the kernel takes 32
	// (include/uapi/linux/btf.h, MAX_RESOLVE_DEPTH in kernel/bpf/btf.c).
	maxDepth = 32
	// maxFields bounds the members of all that a type is made of.
	maxFields = 1 << 18
	// maxLeaves bounds what is written of a value beyond leavesPerByte: members that lie
	// in the same bytes can double with every level.
	maxLeaves     = 1 << 16
	leavesPerByte = 16
)

// New returns the codec for a type of which a value has size bytes. A nil type,
// one that does not have that size, and one whose members lie in the same bytes too
// often, is raw bytes.
func New(t btf.Type, size int) *Codec {
	raw := &Codec{kind: kindRaw, size: size}
	if t == nil {
		return raw
	}
	c, err := (&compiler{done: make(map[key]*Codec)}).compile(t, maxDepth)
	if err != nil || c.size != size || c.leaves > maxLeaves+leavesPerByte*size {
		return raw
	}
	return c
}

// Size returns the number of bytes of a value.
func (c *Codec) Size() int { return c.size }

// Typed reports whether BTF describes the values.
func (c *Codec) Typed() bool { return c.kind != kindRaw }

// A compiler makes the codec of each type once.
type compiler struct {
	done   map[key]*Codec
	fields int
}

type key struct {
	t       btf.Type
	network bool
}

func (p *compiler) compile(t btf.Type, depth int) (*Codec, error) {
	t, network := strip(t)
	if c := p.done[key{t, network}]; c != nil && c.height <= depth {
		return c, nil
	}
	if depth == 0 {
		return nil, fmt.Errorf("types lie more than %d deep", maxDepth)
	}
	size, err := btf.Sizeof(t)
	if err != nil {
		return nil, err
	}
	c := &Codec{size: size, network: network}
	switch t := t.(type) {
	case *btf.Int:
		c.kind = intKind(t)
	case *btf.Float:
		c.kind = kindFloat
	case *btf.Enum:
		c.enum(t)
	case *btf.Struct:
		c.kind = kindStruct
		err = p.members(c, t.Members, 0, depth)
	case *btf.Union:
		c.kind = kindStruct
		err = p.members(c, t.Members, 0, depth)
	case *btf.Datasec:
		err = p.section(c, t, depth)
	case *btf.Array:
		err = p.array(c, t, depth)
	case *btf.Pointer:
		c.kind = kindUint
	}
	if err == nil {
		err = c.inside()
	}
	if !fixed(c) {
		c.kind = kindRaw
	}
	c.address = isAddress(c, t)
	c.findHoles()
	c.measure()
	p.done[key{t, network}] = c
	return c, err
}

// measure finds out how much a value writes.
func (c *Codec) measure() {
	c.leaves = 1
	for i := range c.fields {
		c.leaves = c.leaves + c.fields[i].codec.leaves
		c.height = max(c.height, c.fields[i].codec.height)
	}
	if c.elem != nil {
		c.leaves += int(min(uint64(c.n)*uint64(c.elem.leaves), math.MaxInt32))
		c.height = c.elem.height
	}
	c.leaves = min(c.leaves, math.MaxInt32)
	c.height++
}

// inside refuses a type whose members lie outside of it.
func (c *Codec) inside() error {
	for i := range c.fields {
		f := &c.fields[i]
		end := f.offset + f.codec.size
		if f.bits > 0 {
			end = f.offset + int(f.shift+f.bits+7)/8
		}
		if f.offset < 0 || end > c.size || f.bits > 64 {
			return fmt.Errorf("member %s lies outside of its type", f.name)
		}
	}
	if c.elem != nil && c.n*c.elem.size != c.size {
		return fmt.Errorf("%d elements of %d bytes are not %d bytes", c.n, c.elem.size, c.size)
	}
	return nil
}

// fixed says whether there are numbers of that size.
func fixed(c *Codec) bool {
	switch c.kind {
	case kindUint, kindInt, kindEnum, kindBool:
		return c.size == 1 || c.size == 2 || c.size == 4 || c.size == 8
	case kindFloat:
		return c.size == 4 || c.size == 8
	default:
		return true
	}
}

// strip takes names and qualifiers off a type, and says whether one of them
// means network byte order.
func strip(t btf.Type) (_ btf.Type, network bool) {
	for range maxDepth {
		switch x := t.(type) {
		case *btf.Typedef:
			switch x.Name {
			case "__be16", "__be32", "__be64":
				network = true
			}
			t = x.Type
		case *btf.Const:
			t = x.Type
		case *btf.Volatile:
			t = x.Type
		case *btf.Restrict:
			t = x.Type
		case *btf.TypeTag:
			t = x.Type
		case *btf.Var:
			t = x.Type
		default:
			return t, network
		}
	}
	return t, network
}

func intKind(t *btf.Int) kind {
	switch t.Encoding {
	case btf.Bool:
		return kindBool
	case btf.Signed:
		return kindInt
	default:
		return kindUint
	}
}

func (c *Codec) enum(t *btf.Enum) {
	c.kind = kindEnum
	if t.Signed {
		c.kind = kindInt
	}
	mask := uint64(math.MaxUint64)
	if t.Size < 8 {
		mask = 1<<(8*t.Size) - 1
	}
	for _, v := range t.Values {
		c.values = append(c.values, enumValue{v.Name, v.Value & mask})
	}
}

// members adds the members of a structure; those of an unnamed one inside it
// stand beside them, as C has it.
func (p *compiler) members(c *Codec, all []btf.Member, base btf.Bits, depth int) error {
	switch {
	case depth == 0:
		return fmt.Errorf("types lie more than %d deep", maxDepth)
	case c.size == 0:
		return nil // there is nothing to tell
	}
	for _, m := range all {
		if err := p.count(); err != nil {
			return err
		}
		if inner, ok := unnamed(m); ok {
			if err := p.members(c, inner, base+m.Offset, depth-1); err != nil {
				return err
			}
			continue
		}
		if m.Name == "" {
			continue // an unnamed bit field pads
		}
		codec, err := p.compile(m.Type, depth-1)
		if err != nil {
			return err
		}
		c.fields = append(c.fields, bitField(m, base, codec))
	}
	return nil
}

func (p *compiler) count() error {
	if p.fields++; p.fields > maxFields {
		return fmt.Errorf("more than %d members", maxFields)
	}
	return nil
}

func unnamed(m btf.Member) ([]btf.Member, bool) {
	if m.Name != "" {
		return nil, false
	}
	t, _ := strip(m.Type)
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	}
	return nil, false
}

func bitField(m btf.Member, base btf.Bits, codec *Codec) field {
	offset := base + m.Offset
	f := field{name: m.Name, quoted: strconv.Quote(m.Name) + ":", offset: int(offset / 8), codec: codec}
	if m.BitfieldSize > 0 {
		f.bits, f.shift = uint(m.BitfieldSize), uint(offset%8)
	}
	return f
}

// section makes an object of the variables of a data section.
func (p *compiler) section(c *Codec, t *btf.Datasec, depth int) error {
	c.kind = kindStruct
	for _, v := range t.Vars {
		named, ok := v.Type.(*btf.Var)
		if !ok {
			continue
		}
		codec, err := p.compile(named.Type, depth-1)
		if err != nil {
			return err
		}
		c.fields = append(c.fields, field{name: named.Name, quoted: strconv.Quote(named.Name) + ":", offset: int(v.Offset), codec: codec})
	}
	return nil
}

// array makes an array; of elements without a byte, it has none to tell.
func (p *compiler) array(c *Codec, t *btf.Array, depth int) (err error) {
	c.kind = kindArray
	if isChar(t.Type) {
		c.kind = kindText
	}
	if c.elem, err = p.compile(t.Type, depth-1); err == nil && c.elem.size > 0 {
		c.n = int(t.Nelems)
	}
	return err
}

// isChar knows clang's char, which has no encoding of its own.
func isChar(t btf.Type) bool {
	t, _ = strip(t)
	i, ok := t.(*btf.Int)
	return ok && i.Size == 1 && (i.Encoding == btf.Char || i.Name == "char")
}

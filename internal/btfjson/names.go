package btfjson

import "strconv"

// Names have words for numbers, such as those of devices.
type Names struct {
	Name   func(n uint64) (name string, ok bool)
	Number func(word string) (n uint64, ok bool, err error)
}

// NewNamed returns the codec for a __u32 of which the values have names.
func NewNamed(names Names) *Codec {
	return &Codec{kind: kindUint, size: 4, names: &names, leaves: 1, height: 1}
}

// A Member is one of a structure that no type describes. The offset is in bytes.
type Member struct {
	Name   string
	Offset int
	Codec  *Codec
}

// NewStruct returns the codec for a structure of the kernel's.
func NewStruct(size int, members ...Member) *Codec {
	c := &Codec{kind: kindStruct, size: size}
	for _, m := range members {
		c.fields = append(c.fields, field{name: m.Name, quoted: strconv.Quote(m.Name) + ":", offset: m.Offset, codec: m.Codec})
	}
	c.findHoles()
	c.measure()
	return c
}

package btfjson

import (
	"cmp"
	"encoding/hex"
	"slices"
)

// padding is the member that has the bytes of a structure in which none of its members lie,
// where these are not zero: of a key they count as all others do.
const padding = "(padding)"

// A span is the bits from one to another, as the machine numbers them.
type span struct{ from, to int }

// findHoles finds what no field is in.
func (c *Codec) findHoles() {
	if c.kind != kindStruct {
		return
	}
	taken := make([]span, 0, len(c.fields))
	for i := range c.fields {
		f := &c.fields[i]
		if f.bits > 0 {
			from := 8*f.offset + int(f.shift)
			taken = append(taken, span{from, from + int(f.bits)})
		} else {
			taken = append(taken, span{8 * f.offset, 8 * (f.offset + f.codec.size)})
		}
	}
	slices.SortFunc(taken, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	end := 0
	for _, s := range append(taken, span{8 * c.size, 8 * c.size}) {
		if s.from > end {
			c.holes = append(c.holes, span{end, s.from})
		}
		end = max(end, s.to)
	}
}

// eachHole calls f with each byte that has bits of a hole, and these bits.
func (c *Codec) eachHole(f func(at int, mask byte) (more bool)) {
	for _, s := range c.holes {
		for at := s.from / 8; 8*at < s.to; at++ {
			first, last := max(s.from-8*at, 0), min(s.to-8*at, 8)
			mask := byte(0xff) << first & byte(0xff>>(8-last))
			if !littleEndian {
				mask = byte(0xff) >> first & byte(0xff<<(8-last))
			}
			if !f(at, mask) {
				return
			}
		}
	}
}

func (c *Codec) appendPadding(dst, value []byte) []byte {
	zero := true
	c.eachHole(func(at int, mask byte) bool {
		zero = value[at]&mask == 0
		return zero
	})
	if zero {
		return dst
	}
	all := make([]byte, c.size)
	c.eachHole(func(at int, mask byte) bool {
		all[at] |= value[at] & mask
		return true
	})
	if len(c.fields) > 0 {
		dst = append(dst, ',')
	}
	dst = append(dst, `"`+padding+`":"0x`...)
	return append(hex.AppendEncode(dst, all), '"')
}

func (c *Codec) setPadding(value, text []byte) ([]byte, error) {
	all := make([]byte, c.size)
	rest, err := (&Codec{kind: kindRaw, size: c.size}).Update(all, text)
	if err == nil {
		c.eachHole(func(at int, mask byte) bool {
			value[at] = value[at]&^mask | all[at]&mask
			return true
		})
	}
	return rest, err
}

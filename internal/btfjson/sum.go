package btfjson

import (
	"math/bits"
	"strconv"
)

// AppendSum appends the sum of the values as JSON to dst: of each integer in them
// by itself, wider than the type where it must be. What is not an integer is null.
func (c *Codec) AppendSum(dst []byte, values [][]byte) []byte {
	switch {
	case c.address || c.names != nil:
	case c.kind == kindStruct:
		return c.sumStruct(dst, values)
	case c.kind == kindArray:
		return c.sumArray(dst, values)
	case (c.kind == kindUint || c.kind == kindInt) && c.values == nil:
		return appendTotal(dst, c.kind, values, func(v []byte) uint64 {
			if c.kind == kindInt {
				return uint64(c.signed(c.load(v)))
			}
			return c.load(v)
		})
	}
	return append(dst, "null"...)
}

func (c *Codec) sumStruct(dst []byte, values [][]byte) []byte {
	dst = append(dst, '{')
	for i := range c.fields {
		f := &c.fields[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f.quoted...)
		if f.bits > 0 && f.codec.values == nil {
			dst = appendTotal(dst, f.codec.kind, values, f.load)
			continue
		}
		dst = f.codec.AppendSum(dst, parts(values, f.offset))
	}
	return append(dst, '}')
}

func (c *Codec) sumArray(dst []byte, values [][]byte) []byte {
	dst = append(dst, '[')
	for i := range c.n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.elem.AppendSum(dst, parts(values, i*c.elem.size))
	}
	return append(dst, ']')
}

func parts(values [][]byte, offset int) [][]byte {
	out := make([][]byte, len(values))
	for i, v := range values {
		out[i] = v[offset:]
	}
	return out
}

// appendTotal adds up; unsigned numbers in 128 bits, of which JSON takes 64.
func appendTotal(dst []byte, k kind, values [][]byte, load func([]byte) uint64) []byte {
	var total, high, carry uint64
	for _, v := range values {
		total, carry = bits.Add64(total, load(v), 0)
		high += carry
	}
	if k == kindInt {
		return strconv.AppendInt(dst, int64(total), 10)
	}
	if high > 0 {
		return strconv.AppendFloat(dst, float64(high)*0x1p64+float64(total), 'g', -1, 64)
	}
	return strconv.AppendUint(dst, total, 10)
}

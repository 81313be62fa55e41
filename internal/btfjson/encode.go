package btfjson

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// littleEndian is the machine's byte order.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// Append appends the value as JSON to dst. The value has as many bytes as the
// type, at least.
func (c *Codec) Append(dst, value []byte) []byte {
	switch {
	case c.address:
		return append(appendAddress(append(dst, '"'), value[:c.size]), '"')
	case c.prefix && c.isPrefix(value):
		return appendPrefix(dst, value[:c.size])
	}
	switch c.kind {
	case kindStruct:
		return c.appendStruct(dst, value)
	case kindArray:
		return c.appendArray(dst, value)
	case kindText:
		return c.appendText(dst, value)
	case kindRaw:
		dst = append(dst, `"0x`...)
		dst = hex.AppendEncode(dst, value[:c.size])
		return append(dst, '"')
	default:
		return c.appendNumber(dst, c.load(value))
	}
}

func (c *Codec) appendStruct(dst, value []byte) []byte {
	dst = append(dst, '{')
	for i := range c.fields {
		f := &c.fields[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f.quoted...)
		if f.bits > 0 {
			dst = f.codec.appendNumber(dst, f.load(value))
			continue
		}
		dst = f.codec.Append(dst, value[f.offset:])
	}
	return append(c.appendPadding(dst, value), '}')
}

func (c *Codec) appendArray(dst, value []byte) []byte {
	dst = append(dst, '[')
	for i := range c.n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.elem.Append(dst, value[i*c.elem.size:])
	}
	return append(dst, ']')
}

// appendText writes a string, or an array where that would not give the same
// bytes back.
func (c *Codec) appendText(dst, value []byte) []byte {
	text, rest, _ := bytes.Cut(value[:c.size], []byte{0})
	if len(bytes.Trim(rest, "\x00")) > 0 || !utf8.Valid(text) {
		return c.appendArray(dst, value)
	}
	return appendString(dst, text)
}

// appendString quotes text, as RFC 8259 wants it. What a terminal obeys, or what changes how
// the text around it is shown, is written by its number.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		r, n := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text)
		}
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			for _, unit := range utf16.Encode([]rune{r}) {
				dst = fmt.Appendf(dst, `\u%04x`, unit)
			}
		default:
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return append(dst, '"')
}

// appendNumber writes a scalar of which raw are the bits.
func (c *Codec) appendNumber(dst []byte, raw uint64) []byte {
	if c.values != nil {
		for _, v := range c.values {
			if v.value == raw {
				return append(append(append(dst, '"'), v.name...), '"')
			}
		}
	}
	if c.names != nil {
		if name, ok := c.names.Name(raw); ok {
			return appendString(dst, []byte(name))
		}
	}
	switch c.kind {
	case kindBool:
		if raw > 1 { // only a program can make it
			return appendBits(dst, raw)
		}
		return strconv.AppendBool(dst, raw == 1)
	case kindInt:
		return strconv.AppendInt(dst, c.signed(raw), 10)
	case kindFloat:
		return appendFloat(dst, raw, c.size)
	default:
	}
	return strconv.AppendUint(dst, raw, 10)
}

// signed extends the sign of a value that is as wide as the type.
func (c *Codec) signed(raw uint64) int64 {
	shift := 64 - 8*c.size
	return int64(raw) << shift >> shift
}

// appendFloat writes what JSON has no number for as a string.
func appendFloat(dst []byte, raw uint64, size int) []byte {
	f, same := math.Float64frombits(raw), math.Float64bits(math.NaN()) == raw
	if size == 4 {
		f, same = float64(math.Float32frombits(uint32(raw))), math.Float32bits(float32(math.NaN())) == uint32(raw)
	}
	switch {
	case math.IsNaN(f) && !same: // there are many
		return appendBits(dst, raw)
	case math.IsNaN(f) || math.IsInf(f, 0):
		return strconv.AppendQuote(dst, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 8*size)
}

// appendBits writes a value as a string for which its type has no other.
func appendBits(dst []byte, raw uint64) []byte {
	dst = strconv.AppendUint(append(dst, `"0x`...), raw, 16)
	return append(dst, '"')
}

// load returns the bits of a scalar.
func (c *Codec) load(value []byte) (v uint64) {
	switch c.size {
	case 1:
		v = uint64(value[0])
	case 2:
		v = uint64(binary.NativeEndian.Uint16(value))
	case 4:
		v = uint64(binary.NativeEndian.Uint32(value))
	default:
		v = binary.NativeEndian.Uint64(value)
	}
	return c.ordered(v)
}

func (c *Codec) store(value []byte, v uint64) {
	v = c.ordered(v)
	switch c.size {
	case 1:
		value[0] = byte(v)
	case 2:
		binary.NativeEndian.PutUint16(value, uint16(v))
	case 4:
		binary.NativeEndian.PutUint32(value, uint32(v))
	default:
		binary.NativeEndian.PutUint64(value, v)
	}
}

// ordered turns the bytes of a number around where the type has another order.
func (c *Codec) ordered(v uint64) uint64 {
	if c.network && littleEndian {
		return bits.ReverseBytes64(v) >> (64 - 8*c.size)
	}
	return v
}

// load returns a bit field, with its sign where it has one.
func (f *field) load(value []byte) uint64 {
	var v uint64
	for i := range f.bits {
		at := f.shift + i
		b := value[f.offset+int(at/8)]
		if littleEndian {
			v |= uint64(b>>(at%8)&1) << i
		} else {
			v = v<<1 | uint64(b>>(7-at%8)&1)
		}
	}
	if f.codec.kind == kindInt && f.bits > 0 && v>>(f.bits-1) == 1 {
		v |= math.MaxUint64 << f.bits
	}
	return v
}

func (f *field) store(value []byte, v uint64) {
	for i := range f.bits {
		at := f.shift + i
		bit, mask := byte(v>>i&1), byte(1)<<(at%8)
		if !littleEndian {
			bit, mask = byte(v>>(f.bits-1-i)&1), byte(1)<<(7-at%8)
		}
		b := &value[f.offset+int(at/8)]
		if *b &^= mask; bit == 1 {
			*b |= mask
		}
	}
}

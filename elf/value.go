package elf

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// ValueText writes the initial value of a variable of this object: numbers, text and
// names of enumerations as C does, all else as hexadecimal digits, the first of
// a long one; "0" is a value that is all zero.
func (o *Object) ValueText(v Variable) string {
	if strings.Trim(string(v.Value), "\x00") == "" {
		return "0"
	}
	const shown = 16
	switch t := bare(v.Type).(type) {
	case *btf.Int:
		if n, ok := o.number(v.Value, t.Encoding == btf.Signed); ok {
			return numberText(n, t.Encoding == btf.Signed)
		}
	case *btf.Enum:
		n, ok := o.number(v.Value, t.Signed)
		if !ok {
			break
		}
		for _, known := range t.Values {
			if known.Value == n {
				return known.Name
			}
		}
		return numberText(n, t.Signed)
	case *btf.Array:
		if elem, ok := bare(t.Type).(*btf.Int); ok && isChar(elem) {
			return strconv.QuoteToASCII(strings.TrimRight(string(v.Value[:min(len(v.Value), 4*shown)]), "\x00"))
		}
	}
	if len(v.Value) > shown {
		return hex.EncodeToString(v.Value[:shown]) + "…"
	}
	return hex.EncodeToString(v.Value)
}

// isChar knows clang's char, which has no encoding of its own.
func isChar(t *btf.Int) bool { return t.Size == 1 && (t.Encoding == btf.Char || t.Name == "char") }

// number returns an integer, with its sign in the upper bits too.
func (o *Object) number(b []byte, signed bool) (n uint64, ok bool) {
	switch len(b) {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(o.order.Uint16(b))
	case 4:
		n = uint64(o.order.Uint32(b))
	case 8:
		n = o.order.Uint64(b)
	default:
		return 0, false
	}
	if shift := 64 - 8*len(b); signed {
		n = uint64(int64(n<<shift) >> shift)
	}
	return n, true
}

func numberText(n uint64, signed bool) string {
	if signed {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatUint(n, 10)
}

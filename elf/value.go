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
	switch t := plainType(v.Type).(type) {
	case *btf.Int:
		if s, ok := o.integer(v.Value, t.Encoding == btf.Signed); ok {
			return s
		}
	case *btf.Enum:
		return o.enumerator(v.Value, t)
	case *btf.Array:
		if elem, ok := plainType(t.Type).(*btf.Int); ok && (elem.Encoding == btf.Char || elem.Name == "char") && elem.Size == 1 {
			return strconv.QuoteToASCII(strings.TrimRight(string(v.Value[:min(len(v.Value), 4*shown)]), "\x00"))
		}
	}
	if len(v.Value) > shown {
		return hex.EncodeToString(v.Value[:shown]) + "…"
	}
	return hex.EncodeToString(v.Value)
}

// plainType takes qualifiers and names off a type.
func plainType(t btf.Type) btf.Type {
	if t == nil {
		return nil
	}
	return btf.UnderlyingType(t)
}

func (o *Object) integer(b []byte, signed bool) (string, bool) {
	var n uint64
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
		return "", false
	}
	if signed {
		shift := 64 - 8*len(b)
		return strconv.FormatInt(int64(n<<shift)>>shift, 10), true
	}
	return strconv.FormatUint(n, 10), true
}

func (o *Object) enumerator(b []byte, t *btf.Enum) string {
	text, _ := o.integer(b, t.Signed)
	for _, v := range t.Values {
		value := strconv.FormatUint(v.Value, 10)
		if t.Signed {
			value = strconv.FormatInt(int64(v.Value), 10)
		}
		if value == text {
			return v.Name
		}
	}
	return text
}

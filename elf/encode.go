package elf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

var errOutOfRange = errors.New("out of range")

// encodeInt reads an integer in any base, true, false, and a character in quotes.
// An IPv4 address fits an integer in network byte order.
func encodeInt(t *btf.Int, order binary.ByteOrder, text string) ([]byte, error) {
	if t.Encoding == btf.Bool {
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("neither true nor false")
		}
		return putUint(order, t.Size, boolInt(b))
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is4() && t.Size == 4 && order == binary.BigEndian {
		return addr.AsSlice(), nil
	}
	if len(text) == 3 && text[0] == '\'' && text[2] == '\'' {
		return putUint(order, t.Size, uint64(text[1]))
	}
	return encodeNumber(t.Size, t.Encoding == btf.Signed, order, text)
}

func boolInt(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// encodeNumber reads a number before it looks at the range, so that what is not a number is called that.
func encodeNumber(size uint32, signed bool, order binary.ByteOrder, text string) ([]byte, error) {
	if size == 0 || size > 8 {
		return nil, fmt.Errorf("an integer of %d bytes cannot be set", size)
	}
	shift := 64 - 8*size
	low, high := int64(0), uint64(math.MaxUint64)>>shift
	if signed {
		low, high = math.MinInt64>>shift, math.MaxInt64>>shift
	}
	outOfRange := fmt.Errorf("%w %d to %d", errOutOfRange, low, high)
	if digits, negative := strings.CutPrefix(text, "-"); negative {
		n, err := strconv.ParseInt(text, 0, 64)
		switch {
		case errors.Is(err, strconv.ErrSyntax) || digits == "":
			return nil, errors.New("no number")
		case err != nil || n < low:
			return nil, outOfRange
		}
		return putUint(order, size, uint64(n))
	}
	n, err := strconv.ParseUint(text, 0, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return nil, errors.New("no number")
	case err != nil || n > high:
		return nil, outOfRange
	}
	return putUint(order, size, n)
}

func putUint(order binary.ByteOrder, size uint32, n uint64) ([]byte, error) {
	b := make([]byte, 8)
	switch size {
	case 1:
		b[0] = byte(n)
	case 2:
		order.PutUint16(b, uint16(n))
	case 4:
		order.PutUint32(b, uint32(n))
	case 8:
		order.PutUint64(b, n)
	default:
		return nil, fmt.Errorf("an integer of %d bytes cannot be set", size)
	}
	return b[:size], nil
}

// encodeEnum reads a name of the enumeration, or a number.
func encodeEnum(t *btf.Enum, order binary.ByteOrder, text string) ([]byte, error) {
	var names []string
	for _, v := range t.Values {
		if v.Name == text {
			return putUint(order, t.Size, v.Value)
		}
		if len(names) < maxCandidates {
			names = append(names, naming.Clip(v.Name))
		}
	}
	b, err := encodeNumber(t.Size, t.Signed, order, text)
	if err != nil && !errors.Is(err, errOutOfRange) {
		return nil, fmt.Errorf("it has %s", strings.Join(names, ", "))
	}
	return b, err
}

// encodeArray reads text for an array of char, an address for an array of
// bytes, or as many elements as the array has room for, in brackets or not; the
// rest is zero.
func encodeArray(t *btf.Array, order binary.ByteOrder, text string) ([]byte, error) {
	size, err := btf.Sizeof(t)
	if err != nil {
		return nil, err
	}
	elem, isInt := bare(t.Type).(*btf.Int)
	isByte := isInt && elem.Size == 1 && elem.Encoding != btf.Bool
	if isByte && isChar(elem) {
		return encodeText(size, text)
	}
	if isByte {
		if b, ok := address(size, text); ok {
			return b, nil
		}
	}
	words, err := elements(t, order, text)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, size)
	for i, word := range words {
		b, err := encode(t.Type, order, strings.TrimSpace(word))
		if err != nil {
			return nil, elementError(i, size, isByte, err)
		}
		out = append(out, b...)
	}
	return append(out, make([]byte, size-len(out))...), nil
}

// elements splits "1,2" or "[1,2]". One value without brackets could be meant
// for one element or for all.
func elements(t *btf.Array, order binary.ByteOrder, text string) ([]string, error) {
	inner, bracketed := strings.CutPrefix(text, "[")
	if bracketed {
		text, bracketed = strings.CutSuffix(inner, "]")
		if !bracketed {
			return nil, errors.New("[ without ]")
		}
	}
	words := strings.Split(text, ",")
	switch {
	case len(words) > int(t.Nelems):
		return nil, fmt.Errorf("%d elements for %d", len(words), t.Nelems)
	case len(words) == 1 && t.Nelems > 1 && !bracketed:
		if _, err := encode(t.Type, order, text); err == nil {
			return nil, naming.Errorf("one value for %d elements: NAME[INDEX]=%s sets one of them, A,B,… several from the first, [%[2]s] the first, and the rest to zero", t.Nelems, text)
		}
	}
	return words, nil
}

func elementError(i, size int, isByte bool, err error) error {
	kind := map[int]string{4: "an IPv4 address", 6: "an Ethernet address", 16: "an IPv6 address"}[size]
	if isByte && kind != "" {
		return fmt.Errorf("neither %s nor numbers with commas between them: element %d: %w", kind, i, err)
	}
	return fmt.Errorf("element %d: %w", i, err)
}

// encodeText fills the rest with zeros. As in C, a text as long as the array has no zero at its end.
func encodeText(size int, text string) ([]byte, error) {
	if len(text) > size {
		return nil, fmt.Errorf("%d bytes for %d", len(text), size)
	}
	b := make([]byte, size)
	copy(b, text)
	return b, nil
}

// address reads an address that is as long as the array.
func address(size int, text string) ([]byte, bool) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		b := addr.AsSlice()
		if addr.Is4() && size == 16 {
			mapped := addr.As16() // ::ffff:a.b.c.d
			b = mapped[:]
		}
		return b, len(b) == size
	}
	mac, err := net.ParseMAC(text)
	return mac, err == nil && len(mac) == size
}

// encodeWrapped reads an address for a structure that is one, such as struct in6_addr:
// all of its members begin at its start.
func encodeWrapped(size uint32, members []btf.Member, order binary.ByteOrder, text string) ([]byte, error) {
	for _, m := range members {
		if n, err := btf.Sizeof(m.Type); err != nil || m.Offset != 0 || uint32(n) != size {
			continue
		}
		if b, err := encode(m.Type, order, text); err == nil {
			return b, nil
		}
	}
	return nil, errors.New("set its members one by one")
}

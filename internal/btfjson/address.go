package btfjson

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// The sizes of addresses, in bytes.
const (
	sizeIPv4     = 4
	sizeEthernet = 6
	sizeIPv6     = 16
)

// isAddress knows what most likely is one: 4, 6 or 16 bytes in an array, a __be32, and the
// kernel's structures.
func isAddress(c *Codec, t btf.Type) bool {
	switch t := t.(type) {
	case *btf.Array:
		return (c.size == sizeIPv4 || c.size == sizeEthernet || c.size == sizeIPv6) && isByte(t.Type)
	case *btf.Struct:
		return t.Name == "in_addr" && c.size == sizeIPv4 || t.Name == "in6_addr" && c.size == sizeIPv6
	}
	return c.network && c.kind == kindUint && c.size == sizeIPv4
}

// isByte knows __u8.
func isByte(t btf.Type) bool {
	t, _ = strip(t)
	i, ok := t.(*btf.Int)
	return ok && i.Size == 1 && i.Encoding == btf.Unsigned && i.Name != "char"
}

func appendAddress(dst, value []byte) []byte {
	if len(value) == sizeEthernet {
		for i, b := range value {
			if i > 0 {
				dst = append(dst, ':')
			}
			const digits = "0123456789abcdef"
			dst = append(dst, digits[b>>4], digits[b&15])
		}
		return dst
	}
	a, _ := netip.AddrFromSlice(value)
	return a.AppendTo(dst)
}

// setAddress reads an IP address that has the size of value, or an Ethernet
// address.
func setAddress(value []byte, word string) bool {
	if a, err := netip.ParseAddr(word); err == nil {
		return a.BitLen() == 8*len(value) && a.Zone() == "" && copy(value, a.AsSlice()) > 0
	}
	parts := strings.Split(word, ":")
	if len(parts) != len(value) || len(value) != sizeEthernet {
		return false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil {
			return false
		}
		value[i] = byte(n)
	}
	return true
}

// word reads what is no number into one: a name, or the address that a number of 4 bytes
// may be, which has network byte order in memory.
func (c *Codec) word(word string) (n uint64, ok bool, err error) {
	var b [sizeIPv4]byte
	switch {
	case c.names != nil:
		return c.names.Number(word)
	case c.size == sizeIPv4 && setAddress(b[:], word):
		return c.ordered(uint64(binary.NativeEndian.Uint32(b[:]))), true, nil
	}
	return 0, false, nil
}

// NewPrefix returns the codec for the keys of a trie: struct bpf_lpm_trie_key
// (include/uapi/linux/bpf.h), a number of bits and the bytes that they count in. A key with
// an IP address, or without a type, is written as "10.0.0.0/8".
func NewPrefix(t btf.Type, size int) *Codec {
	c := New(t, size)
	if bytes := size - 4; bytes != sizeIPv4 && bytes != sizeIPv6 {
		return c
	}
	prefix := *c
	prefix.prefix = true
	for i := range c.fields {
		f := &c.fields[i]
		address := f.offset == 4 && f.bits == 0 && f.codec.size == size-4 && (f.codec.address || f.codec.kind == kindUint)
		if !address && f.offset >= 4 {
			return c
		}
	}
	return &prefix
}

// isPrefix says whether the number of bits is one of the address.
func (c *Codec) isPrefix(value []byte) bool {
	return int64(binary.NativeEndian.Uint32(value)) <= int64(8*(c.size-4))
}

func appendPrefix(dst, value []byte) []byte {
	dst = append(appendAddress(append(dst, '"'), value[4:]), '/')
	dst = strconv.AppendUint(dst, uint64(binary.NativeEndian.Uint32(value)), 10)
	return append(dst, '"')
}

// setPrefix reads an address, and the number of bits if it is not all of them.
func setPrefix(value []byte, word string) error {
	address, length, short := strings.Cut(word, "/")
	all := uint64(8 * (len(value) - 4))
	bits, err := all, error(nil)
	if short {
		bits, err = strconv.ParseUint(length, 10, 32)
	}
	if err != nil || bits > all || !setAddress(value[4:], address) {
		example := "10.0.0.0/8"
		if len(value)-4 == sizeIPv6 {
			example = "2001:db8::/32"
		}
		return fmt.Errorf("%s is no prefix such as %s", Quote(word), example)
	}
	binary.NativeEndian.PutUint32(value, uint32(bits))
	return nil
}

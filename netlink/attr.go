package netlink

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// Layout of struct nlattr, linux/netlink.h: u16 length with the header, u16
// type, payload, padding to 4 bytes.
const (
	attrHeader   = 4
	attrTypeMask = 0x3fff // NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER
	attrNested   = 0x8000 // NLA_F_NESTED
)

func align4(n int) int { return (n + 3) &^ 3 }

// An encoder appends attributes to a message body. It is not
// mdlayher/netlink's encoder because that sets NLA_F_NESTED on every nest,
// which iproute2 does not.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) bytes(typ uint16, v []byte) {
	e.nest(typ, func() { e.b = append(e.b, v...) })
}

func (e *encoder) u16(typ, v uint16) {
	e.bytes(typ, binary.NativeEndian.AppendUint16(nil, v))
}

func (e *encoder) u32(typ uint16, v uint32) {
	e.bytes(typ, binary.NativeEndian.AppendUint32(nil, v))
}

func (e *encoder) u64(typ uint16, v uint64) {
	e.bytes(typ, binary.NativeEndian.AppendUint64(nil, v))
}

// string appends v with its terminating NUL.
func (e *encoder) string(typ uint16, v string) {
	e.nest(typ, func() { e.b = append(append(e.b, v...), 0) })
}

// nest appends an attribute whose payload is what fill appends.
func (e *encoder) nest(typ uint16, fill func()) {
	start := len(e.b)
	e.b = append(e.b, 0, 0, 0, 0)
	fill()
	n := len(e.b) - start
	if n > math.MaxUint16 && e.err == nil {
		e.err = fmt.Errorf("attribute %d is %d bytes long; a netlink attribute holds %d", typ&attrTypeMask, n, math.MaxUint16)
	}
	binary.NativeEndian.PutUint16(e.b[start:], uint16(n))
	binary.NativeEndian.PutUint16(e.b[start+2:], typ)
	for len(e.b)%4 != 0 {
		e.b = append(e.b, 0)
	}
}

// A decoder walks the attributes of a message without copying them: a link
// has some sixty, of which a dozen are wanted.
type decoder struct {
	rest []byte
	typ  uint16
	data []byte
	err  error
}

func newDecoder(b []byte) *decoder { return &decoder{rest: b} }

// next moves to the next attribute; false at the end or at the first error.
func (d *decoder) next() bool {
	if d.err != nil || len(d.rest) == 0 {
		return false
	}
	if len(d.rest) < attrHeader {
		d.err = fmt.Errorf("%d stray bytes after the last attribute", len(d.rest))
		return false
	}
	n := int(binary.NativeEndian.Uint16(d.rest))
	if n < attrHeader || n > len(d.rest) {
		d.err = fmt.Errorf("attribute claims %d bytes of %d", n, len(d.rest))
		return false
	}
	d.typ = binary.NativeEndian.Uint16(d.rest[2:]) & attrTypeMask
	d.data = d.rest[attrHeader:n]
	d.rest = d.rest[min(align4(n), len(d.rest)):]
	return true
}

// sized is the payload if it has that many bytes, otherwise zeros.
func (d *decoder) sized(n int) []byte {
	if len(d.data) == n {
		return d.data
	}
	if d.err == nil {
		d.err = fmt.Errorf("attribute %d holds %d bytes, want %d", d.typ, len(d.data), n)
	}
	return make([]byte, n)
}

func (d *decoder) u8() uint8 { return d.sized(1)[0] }

func (d *decoder) u16() uint16 { return binary.NativeEndian.Uint16(d.sized(2)) }

func (d *decoder) u32() uint32 { return binary.NativeEndian.Uint32(d.sized(4)) }

func (d *decoder) u64() uint64 { return binary.NativeEndian.Uint64(d.sized(8)) }

// string is the payload up to its first NUL.
func (d *decoder) string() string {
	s, _, _ := bytes.Cut(d.data, []byte{0})
	return string(s)
}

// nested decodes the payload with fn, whose errors become this decoder's.
func (d *decoder) nested(fn func(*decoder) error) {
	n := decoder{rest: d.data}
	err := fn(&n)
	if err == nil {
		err = n.err
	}
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("attribute %d: %w", d.typ, err)
	}
}

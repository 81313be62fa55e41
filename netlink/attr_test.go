package netlink

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAttributesRoundTrip(t *testing.T) {
	var e encoder
	e.bytes(1, []byte{0xab})
	e.u16(2, 0xabcd)
	e.u32(3, 0xabcdef01)
	e.u64(4, 1<<40)
	e.string(5, "name")
	e.nest(6|attrNested, func() { e.u32(1, 7); e.bytes(2, nil) })
	if e.err != nil {
		t.Fatal(e.err)
	}
	type values struct {
		A uint8
		B uint16
		C uint32
		D uint64
		E string
		F []uint16
	}
	var got values
	d := newDecoder(e.b)
	for d.next() {
		switch d.typ {
		case 1:
			got.A = d.u8()
		case 2:
			got.B = d.u16()
		case 3:
			got.C = d.u32()
		case 4:
			got.D = d.u64()
		case 5:
			got.E = d.string()
		case 6:
			d.nested(func(d *decoder) error {
				for d.next() {
					got.F = append(got.F, d.typ)
				}
				return nil
			})
		}
	}
	if d.err != nil {
		t.Fatal(d.err)
	}
	if diff := cmp.Diff(values{0xab, 0xabcd, 0xabcdef01, 1 << 40, "name", []uint16{1, 2}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEncoderRefusesTooLong(t *testing.T) {
	var e encoder
	e.bytes(9, make([]byte, math.MaxUint16-3))
	if e.err == nil {
		t.Error("an attribute of 65536 bytes was encoded")
	}
}

func TestDecoderRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"stray bytes":       {4, 0, 1, 0, 9},
		"no header's worth": {3, 0, 1, 0},
		"longer than all":   {9, 0, 1, 0, 1, 2, 3, 4},
	} {
		d := newDecoder(b)
		for d.next() {
		}
		if d.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for size := range 10 {
		d := &decoder{data: make([]byte, size)}
		d.u32()
		if (d.err == nil) != (size == 4) {
			t.Errorf("u32 of %d bytes: %v", size, d.err)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{5, 0, 1, 0, 7, 0, 0, 0, 4, 0, 2, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		var e encoder
		d := newDecoder(b)
		for d.next() {
			e.bytes(d.typ, d.data)
		}
		if d.err != nil {
			return
		}
		// What was decoded is encoded to the same, but for padding and flags.
		again := newDecoder(e.b)
		for d := newDecoder(b); d.next(); {
			if !again.next() || again.typ != d.typ || !bytes.Equal(again.data, d.data) {
				t.Fatalf("%x became %x", b, e.b)
			}
		}
	})
}

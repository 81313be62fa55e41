package btfwire_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// types are "struct outer { struct inner *p; struct inner v; }", "struct inner { int n; }"
// and what they are made of, by number.
var types = [][]uint32{
	1: {1, btfwire.Int << 24, 4, 32},
	2: {5, btfwire.Struct<<24 | 1, 4, 11, 1, 0},
	3: {0, btfwire.Pointer << 24, 2},
	4: {13, btfwire.Struct<<24 | 2, 16, 19, 3, 0, 21, 2, 64},
	5: {0, btfwire.Pointer << 24, 4},
	6: {23, btfwire.DeclTag << 24, 4, 0xffffffff},
}

const text = "\x00int\x00inner\x00n\x00outer\x00p\x00v\x00tag\x00"

func source() btfwire.Source {
	return btfwire.Source{
		Order: binary.LittleEndian, Strings: []byte(text),
		Record: func(id uint32) (b []byte, err error) {
			if int(id) >= len(types) {
				return nil, fmt.Errorf("no type %d", id)
			}
			for _, v := range types[id] {
				b = binary.LittleEndian.AppendUint32(b, v)
			}
			return b, nil
		},
		Tags: func(id uint32) []uint32 {
			if id == 4 {
				return []uint32{6}
			}
			return nil
		},
	}
}

func TestSubset(t *testing.T) {
	for _, tt := range []struct {
		name   string
		follow uint32
		how    btfwire.Reach
		copied []uint32
		bytes  int // of all types
	}{
		{"nothing but itself", 1, btfwire.Members, []uint32{1}, 16},
		{"members", 2, btfwire.Members, []uint32{1, 2}, 16 + 24},
		{"no further than a pointer", 3, btfwire.Members, []uint32{3}, 12},
		{"a structure behind a pointer", 3, btfwire.Pointers, []uint32{2, 3}, 12 + 12},
		{"everything", 3, btfwire.Everything, []uint32{1, 2, 3}, 16 + 24 + 12},
		{"tags", 5, btfwire.Everything, []uint32{1, 2, 3, 4, 5, 6}, 16 + 24 + 12 + 36 + 12 + 16},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := btfwire.NewSubset(source())
			s.Follow(tt.follow, tt.how)
			s.Copy()
			var copied []uint32
			for id := range uint32(len(types)) {
				if s.ID(id) != 0 {
					copied = append(copied, id)
				}
			}
			if !slices.Equal(copied, tt.copied) {
				t.Errorf("copied %v, want %v", copied, tt.copied)
			}
			b, err := s.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if got := binary.LittleEndian.Uint32(b[12:]); got != uint32(tt.bytes) {
				t.Errorf("%d bytes of types, want %d", got, tt.bytes)
			}
		})
	}
}

func TestSubsetErrors(t *testing.T) {
	overlapping := source()
	overlapping.Strings = []byte("\x00int\x00")
	overlapping.Record = func(uint32) ([]byte, error) {
		b := make([]byte, btfwire.TypeSize+8*3)
		binary.LittleEndian.PutUint32(b[4:], btfwire.Enum<<24|3)
		for i := range uint32(3) {
			binary.LittleEndian.PutUint32(b[btfwire.TypeSize+8*i:], 1+i)
		}
		return b, nil
	}
	for _, tt := range []struct {
		name string
		src  btfwire.Source
		id   uint32
		want string
	}{
		{"a type that is not there", source(), 7, "no type 7"},
		{"strings that overlap", overlapping, 1, "strings overlap"},
	} {
		s := btfwire.NewSubset(tt.src)
		s.Follow(tt.id, btfwire.Everything)
		s.Copy()
		if _, err := s.Encode(); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Since Linux 7.3 a header may be longer, and counts and kinds have more bits.
func TestReadWide(t *testing.T) {
	const members = 70000
	record := binary.LittleEndian.AppendUint32(nil, 0)
	record = binary.LittleEndian.AppendUint32(record, btfwire.Enum<<24|members)
	record = binary.LittleEndian.AppendUint32(record, 4)
	record = append(record, make([]byte, 8*members)...)
	record = append(record, 0, 0, 0, 0, 0, 0, 0, btfwire.Float, 4, 0, 0, 0)
	b := btfwire.Encode(binary.LittleEndian, record, []byte{0})
	long := append(slices.Clone(b[:btfwire.HeaderSize]), make([]byte, 8)...)
	long[4] = 32 // hdr_len
	long = append(long, b[btfwire.HeaderSize:]...)
	for name, b := range map[string][]byte{"24 bytes": b, "32 bytes": long} {
		types, err := btfwire.Read(binary.LittleEndian, b)
		if err != nil || len(types.Places) != 2 {
			t.Fatalf("%s: %v, %v", name, types, err)
		}
		if _, kind, count := types.Head(0); kind != btfwire.Enum || count != members {
			t.Errorf("%s: kind %d, count %d", name, kind, count)
		}
		if _, kind, _ := types.Head(types.Places[1]); kind != btfwire.Float {
			t.Errorf("%s: the type behind it is of kind %d", name, kind)
		}
	}
}

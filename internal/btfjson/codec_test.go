package btfjson

import (
	"bytes"
	std "cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

var (
	u8   = &btf.Int{Name: "unsigned char", Size: 1}
	u16  = &btf.Int{Name: "unsigned short", Size: 2}
	u32  = &btf.Int{Name: "unsigned int", Size: 4}
	u64  = &btf.Int{Name: "unsigned long long", Size: 8}
	s8   = &btf.Int{Name: "signed char", Size: 1, Encoding: btf.Signed}
	s32  = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	s64  = &btf.Int{Name: "long long", Size: 8, Encoding: btf.Signed}
	char = &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	yes  = &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}
	be16 = &btf.Typedef{Name: "__be16", Type: u16}
	be32 = &btf.Typedef{Name: "__be32", Type: &btf.Const{Type: u32}}
	be64 = &btf.Typedef{Name: "__be64", Type: u64}
	f32  = &btf.Float{Name: "float", Size: 4}
	f64  = &btf.Float{Name: "double", Size: 8}
	mode = &btf.Enum{Name: "mode", Size: 4, Values: []btf.EnumValue{{Name: "OFF", Value: 0}, {Name: "LEARN", Value: 5}}}
	sign = &btf.Enum{Name: "sign", Size: 4, Signed: true, Values: []btf.EnumValue{{Name: "MINUS", Value: math.MaxUint64}}}
)

// in6 is struct in6_addr of include/uapi/linux/in6.h.
var in6 = &btf.Struct{Name: "in6_addr", Size: 16, Members: []btf.Member{{Name: "in6_u", Type: &btf.Union{Size: 16, Members: []btf.Member{
	{Name: "u6_addr8", Type: array(u8, 16)}, {Name: "u6_addr32", Type: array(be32, 4)},
}}}}}

var padded = &btf.Struct{Size: 8, Members: []btf.Member{{Name: "a", Type: u8}, {Name: "b", Type: u32, Offset: 32}}}

func array(t btf.Type, n uint32) *btf.Array { return &btf.Array{Index: u32, Type: t, Nelems: n} }

// config is a structure with everything in it.
var config = &btf.Struct{Name: "config", Size: 40, Members: []btf.Member{
	{Name: "limit", Type: u32, Offset: 0},
	{Name: "on", Type: yes, Offset: 32},
	{Name: "port", Type: be16, Offset: 48},
	{Name: "mode", Type: mode, Offset: 64},
	{Name: "name", Type: array(char, 8), Offset: 96},
	{Type: &btf.Union{Size: 4, Members: []btf.Member{
		{Name: "addr", Type: array(u8, 4)},
		{Name: "word", Type: u32},
	}}, Offset: 160},
	{Name: "low", Type: u32, Offset: 192, BitfieldSize: 4},
	{Name: "high", Type: s32, Offset: 196, BitfieldSize: 28},
	{Name: "pair", Type: array(&btf.Struct{Name: "p", Size: 6, Members: []btf.Member{
		{Name: "a", Type: u16}, {Name: "b", Type: u32, Offset: 16},
	}}, 2), Offset: 224},
}}

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes are those of a little-endian machine.
func TestRoundTrip(t *testing.T) {
	if !littleEndian {
		t.Log("bytes of a big-endian machine are not spelled out here")
		return
	}
	for _, tt := range []struct {
		name  string
		typ   btf.Type
		bytes string
		json  string
	}{
		{"u8", u8, "ff", `255`},
		{"s8", s8, "ff", `-1`},
		{"u16", u16, "3412", `4660`},
		{"network u16", be16, "0050", `80`},
		{"network u32", be32, "c0000201", `"192.0.2.1"`},
		{"network u64", be64, "0000000100000002", `4294967298`},
		{"u64", u64, "ffffffffffffffff", `18446744073709551615`},
		{"s64", s64, "0000000000000080", `-9223372036854775808`},
		{"bool", yes, "01", `true`},
		{"odd bool", yes, "07", `"0x7"`},
		{"float", f32, "0000c03f", `1.5`},
		{"double", f64, "000000000000f8bf", `-1.5`},
		{"enum", mode, "05000000", `"LEARN"`},
		{"unknown enum", mode, "06000000", `6`},
		{"signed enum", sign, "ffffffff", `"MINUS"`},
		{"text", array(char, 4), "61620000", `"ab"`},
		{"text with quotes", array(char, 4), "22015c0a", `"\"\u0001\\\u000a"`},
		{"text that a terminal obeys", array(char, 8), "e280ae7fe280a800", `"\u202e\u007f\u2028"`},
		{"full text", array(char, 2), "6162", `"ab"`},
		{"no text", array(char, 3), "610062", `[97,0,98]`},
		{"invalid text", array(char, 2), "ff00", `[-1,0]`},
		{"array", array(u16, 2), "01000200", `[1,2]`},
		{"matrix", array(array(u8, 2), 2), "01020304", `[[1,2],[3,4]]`},
		{"pointer", &btf.Pointer{Target: u8}, "0100000000000000", `1`},
		{
			"struct", config, "0a000000 01 00 0050 05000000 6574683000000000 c0000201 f2ffffff 0100 02000000 0300 04000000",
			`{"limit":10,"on":true,"port":80,"mode":"LEARN","name":"eth0","addr":"192.0.2.1","word":16908480,"low":2,"high":-1,"pair":[{"a":1,"b":2},{"a":3,"b":4}]}`,
		},
		{"not a number", f64, "010000000000f87f", `"NaN"`},
		{"another not a number", f32, "0100c0ff", `"0xffc00001"`},
		{"infinite", f32, "000080ff", `"-Inf"`},
		{"Ethernet addresses", array(array(u8, 6), 2), "0200000000ff ffffffffffff", `["02:00:00:00:00:ff","ff:ff:ff:ff:ff:ff"]`},
		{"IPv4 in IPv6", array(u8, 16), "00000000000000000000ffffc0000201", `"::ffff:192.0.2.1"`},
		{"struct in_addr", &btf.Struct{Name: "in_addr", Size: 4, Members: []btf.Member{{Name: "s_addr", Type: be32}}}, "c0000201", `"192.0.2.1"`},
		{"struct in6_addr", in6, "20010db8000000000000000000000001", `"2001:db8::1"`},
		{"padding", padded, "01 000000 02000000", `{"a":1,"b":2}`},
		{"padding that is not zero", padded, "01 0000ff 02000000", `{"a":1,"b":2,"(padding)":"0x000000ff00000000"}`},
		{"bits that are no field's", &btf.Struct{Size: 1, Members: []btf.Member{{Name: "a", Type: u8, Offset: 2, BitfieldSize: 3}}}, "e4", `{"a":1,"(padding)":"0xe0"}`},
		{"unknown", nil, "0a0b", `"0x0a0b"`},
		{"int128", &btf.Int{Name: "__int128", Size: 16}, "000102030405060708090a0b0c0d0e0f", `"0x000102030405060708090a0b0c0d0e0f"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			value := bytesOf(t, tt.bytes)
			c := New(tt.typ, len(value))
			if got := string(c.Append(nil, value)); got != tt.json {
				t.Errorf("got %s, want %s", got, tt.json)
			}
			back := make([]byte, len(value))
			for i := range back {
				back[i] = 0xaa
			}
			rest, err := c.Parse(back, []byte(tt.json+" x"))
			if err != nil {
				t.Fatal(err)
			}
			if string(rest) != " x" {
				t.Errorf("rest is %q", rest)
			}
			if diff := cmp.Diff(value, back); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// number4 is what a program reads of an address that lies in memory as in a packet.
func number4(address string) string {
	a := netip.MustParseAddr(address).As4()
	return strconv.FormatUint(uint64(binary.NativeEndian.Uint32(a[:])), 10)
}

// TestPrefix: the keys of a trie, with a type or without.
func TestPrefix(t *testing.T) {
	key := func(size uint32, data ...btf.Member) btf.Type {
		all := []btf.Member{{Name: "prefixlen", Type: u32}}
		for _, m := range data {
			m.Offset = 32
			all = append(all, m)
		}
		return &btf.Struct{Size: size, Members: all}
	}
	v4, v6 := key(8, btf.Member{Name: "addr", Type: be32}), key(20, btf.Member{Name: "addr", Type: in6})
	for _, tt := range []struct {
		name, in, want string // the same if empty
		typ            btf.Type
		size           int
		err            string
	}{
		{name: "no type", in: `"10.1.0.0/16"`, size: 8},
		{name: "no type, IPv6", in: `"2001:db8::/32"`, size: 20},
		{name: "no type, other size", in: `"0x0000000000000000"`, size: 8, want: `"0.0.0.0/0"`},
		{name: "__be32", in: `"10.1.0.0/16"`, typ: v4, size: 8},
		{name: "__u32", in: `"10.1.0.0/16"`, typ: key(8, btf.Member{Name: "addr", Type: u32}), size: 8},
		{name: "bytes", in: `"10.1.0.0/16"`, typ: key(8, btf.Member{Name: "addr", Type: array(u8, 4)}), size: 8},
		{name: "in6_addr", in: `"2001:db8::/32"`, typ: v6, size: 20},
		{name: "union of the same size", in: `"10.1.0.0/16"`, typ: key(8, btf.Member{Name: "a", Type: be32}, btf.Member{Name: "b", Type: array(u8, 4)}), size: 8},
		{name: "bits beyond the prefix", in: `"10.1.2.3/16"`, typ: v4, size: 8},
		{name: "address", in: `"10.1.2.3"`, want: `"10.1.2.3/32"`, typ: v4, size: 8},
		{name: "object", in: `{"prefixlen":16,"addr":"10.1.0.0"}`, want: `"10.1.0.0/16"`, typ: v4, size: 8},
		{name: "more bits than there are", in: `{"prefixlen":33,"addr":"10.1.0.0"}`, typ: v4, size: 8},
		{name: "no address", in: `{"prefixlen":16,"port":[1,2]}`, typ: key(8, btf.Member{Name: "port", Type: array(u16, 2)}), size: 8},
		{name: "too long", in: `"10.1.0.0/33"`, typ: v4, size: 8, err: `"10.1.0.0/33" is no prefix such as 10.0.0.0/8`},
		{name: "other family", in: `"10.1.0.0/8"`, typ: v6, size: 20, err: `"10.1.0.0/8" is no prefix such as 2001:db8::/32`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := NewPrefix(tt.typ, tt.size)
			value := make([]byte, tt.size)
			_, err := c.Parse(value, []byte(tt.in))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if got := string(c.Append(nil, value)); err != nil || got != std.Or(tt.want, tt.in) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		typ        btf.Type
		size       int
		want       string // as JSON
	}{
		{"hexadecimal", `0x10`, u32, 4, `16`},
		{"octal", `010`, u32, 4, `8`},
		{"quoted number", `"7"`, u32, 4, `7`},
		{"negative", `-5`, s32, 4, `-5`},
		{"most negative", `-128`, s8, 1, `-128`},
		{"enum by number", `5`, mode, 4, `"LEARN"`},
		{"bool by number", `1`, yes, 1, `true`},
		{"IPv4", `"192.0.2.1"`, array(u8, 4), 4, `"192.0.2.1"`},
		{"IPv6", `"2001:db8::1"`, array(u8, 16), 16, `"2001:db8::1"`},
		{"Ethernet", `"02:00:00:00:00:ff"`, array(u8, 6), 6, `"02:00:00:00:00:ff"`},
		{"IPv4 in a number", `"192.0.2.1"`, u32, 4, number4("192.0.2.1")},
		{"IPv4 by number", `3221225985`, be32, 4, `"192.0.2.1"`},
		{"members of an address", `{"in6_u":{"u6_addr32":["32.1.13.184"]}}`, in6, 16, `"2001:db8::"`},
		{"IPv4 in bytes", `"192.0.2.1"`, nil, 4, `"0xc0000201"`},
		{"bytes of an array", `"0x0102"`, array(u8, 2), 2, `[1,2]`},
		{"short array", `[1]`, array(u8, 3), 3, `[1,0,0]`},
		{"spaces", " [ 1 ,\t2 ] ", array(u8, 2), 2, `[1,2]`},
		{"some members", `{ "on" : true , "limit":3}`, config, 40, `{"limit":3,"on":true,"port":0,"mode":"OFF","name":"","addr":"0.0.0.0","word":0,"low":0,"high":0,"pair":[{"a":0,"b":0},{"a":0,"b":0}]}`},
		{"escapes", `"a\u0062"`, array(char, 4), 4, `"ab"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(tt.typ, tt.size)
			value := bytes.Repeat([]byte{0xaa}, tt.size) // of the entry before, say
			if _, err := c.Parse(value, []byte(tt.text)); err != nil {
				t.Fatal(err)
			}
			if got := string(c.Append(nil, value)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		typ        btf.Type
		size       int
		want       string
	}{
		{"too large", `256`, u8, 1, `256 does not fit the type`},
		{"negative", `-1`, u8, 1, `"-1" is not a number`},
		{"signed", `128`, s8, 1, `128 does not fit the type`},
		{"too negative", `-129`, s8, 1, `-129 does not fit the type`},
		{"fraction", `1.5`, u8, 1, `"1.5" is not a number`},
		{"name", `"x"`, u32, 4, `"x" is not a number`},
		{"enum", `"NO"`, mode, 4, `"NO" is neither a name of the enumeration nor a number`},
		{"bool", `2`, yes, 1, `"2" is neither true nor false`},
		{"member", `{"nope":1}`, config, 40, `no member "nope", there are limit, on, port, mode, name, addr, word, low, high, pair`},
		{"in a member", `{"pair":[{"a":1},{"b":"x"}]}`, config, 40, `pair: [1]: b: "x" is not a number`},
		{"bit field", `{"low":16}`, config, 40, `low: 16 does not fit 4 bits`},
		{"elements", `[1,2,3]`, array(u8, 2), 2, `more than 2 elements`},
		{"long text", `"abc"`, array(char, 2), 2, `"abc" has 3 bytes, 2 fit`},
		{"struct from a number", `7`, config, 40, `"7" where an object is expected`},
		{"array from a number", `7`, array(u8, 2), 2, `"7" where an array of 2 is expected`},
		{"IPv6 for IPv4", `"2001:db8::1"`, array(u8, 4), 4, `"2001:db8::1" where an array of 4 is expected`},
		{"IPv4 for IPv6", `"192.0.2.1"`, array(u8, 16), 16, `"192.0.2.1" where an array of 16 is expected`},
		{"unknown type", `7`, nil, 2, `"7" is not "0x" and 4 hexadecimal digits: the type is not known`},
		{"digits", `"0x0"`, nil, 2, `"0x0" is not "0x" and 4 hexadecimal digits`},
		{"end", `{"limit":`, config, 40, `limit: the text ends in the middle of a value`},
		{"nothing", ``, u8, 1, `the text ends in the middle of a value`},
		{"no colon", `{"limit" 1}`, config, 40, `"1}" where a colon is expected`},
		{"no value", `}`, u8, 1, `"}" where a value is expected`},
		{"open string", `"ab`, array(char, 4), 4, `the text ends in the middle of a value`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.typ, tt.size).Parse(make([]byte, tt.size), []byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestSum(t *testing.T) {
	stats := &btf.Struct{Name: "stats", Size: 16, Members: []btf.Member{
		{Name: "packets", Type: u32}, {Name: "mode", Type: mode, Offset: 32}, {Name: "delta", Type: array(s32, 2), Offset: 64},
	}}
	c := New(stats, 16)
	values := [][]byte{make([]byte, 16), make([]byte, 16)}
	for i, text := range []string{`{"packets":4294967295,"delta":[-3,1]}`, `{"packets":1,"delta":[1,1]}`} {
		if _, err := c.Parse(values[i], []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"packets":4294967296,"mode":null,"delta":[-2,2]}`
	if got := string(c.AppendSum(nil, values)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wide := [][]byte{{255, 255, 255, 255, 255, 255, 255, 255}, {255, 255, 255, 255, 255, 255, 255, 255}}
	if got := string(New(u64, 8).AppendSum(nil, wide)); got != "3.6893488147419103e+19" {
		t.Errorf("two of the largest are %s", got)
	}
}

// TestPart: a part that is set leaves all other bytes alone.
// TestPartUint: a part that is a number is read as one, whatever its width and byte order.
func TestPartUint(t *testing.T) {
	c := New(config, 40)
	for path, want := range map[string]uint64{".port": 80, "limit": 7, ".low": 5, "pair[1].b": 9} {
		value := make([]byte, 40)
		part, err := c.Part(path)
		if err == nil {
			err = part.Set(value, strconv.FormatUint(want, 10))
		}
		read, ok := part.Uint()
		if err != nil || !ok || read(value) != want {
			t.Errorf("%s: %v, %v, want %d", path, err, ok, want)
		}
	}
	for _, path := range []string{"", ".name", "pair"} {
		if part, err := c.Part(path); err != nil {
			t.Error(err)
		} else if _, ok := part.Uint(); ok {
			t.Errorf("%q is read as a number", path)
		}
	}
}

func TestPart(t *testing.T) {
	c := New(config, 40)
	before := bytes.Repeat([]byte{0x55}, 40)
	for _, tt := range []struct {
		path, word string
		offset     int
		want       string // bytes from there
		err        string
	}{
		{path: ".name", word: "ab", offset: 12, want: "6162000000000000"},
		{path: "name[2]", word: "7", offset: 14, want: "07"},
		{path: ".pair[1].b", word: "1", offset: 36, want: "01000000"},
		{path: "pair[1]", word: `{"b":1}`, offset: 36, want: "01000000"},
		{path: "pair", word: `[{},{"a":1}]`, offset: 34, want: "0100"},
		{path: "", word: `{"limit":1,"pair":[{"a":2}]}`, offset: 0, want: "01000000" + strings.Repeat("55", 24) + "0200"},
		{path: "addr", word: "192.0.2.1", offset: 20, want: "c0000201"},
		{path: ".low", word: "0", offset: 24, want: "50"},
		{path: "port", word: "80", offset: 6, want: "0050"},
		{path: ".pair[2]", err: `no element 2, there are 2`},
		{path: ".pair[x]", err: `"x]" where the number of an element and ] are expected`},
		{path: ".nope", err: `no member "nope", there are limit, on, port, mode, name, addr, word, low, high, pair`},
		{path: ".limit.x", err: `no member "x": it is no structure`},
		{path: ".low.x", err: `no member "x": it is no structure`},
		{path: "limit[0]", err: `no array, of which there were an element 0`},
	} {
		value := bytes.Clone(before)
		part, err := c.Part(tt.path)
		if err == nil {
			err = part.Update(value, tt.word)
		}
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: got %v, want %s", tt.path, err, tt.err)
			}
			continue
		}
		want := bytes.Clone(before)
		copy(want[tt.offset:], bytesOf(t, tt.want))
		if diff := cmp.Diff(want, value); err != nil || diff != "" && littleEndian {
			t.Errorf("%s=%s: %v: %s", tt.path, tt.word, err, diff)
		}
	}
}

// A type whose members lie outside is raw bytes: nothing reads past a value.
func TestHostileTypes(t *testing.T) {
	deep := btf.Type(u8)
	for range maxDepth + 2 {
		deep = &btf.Struct{Name: "s", Size: 1, Members: []btf.Member{{Name: "m", Type: deep}}}
	}
	for _, tt := range []struct {
		name string
		typ  btf.Type
		size int
	}{
		{"member outside", &btf.Struct{Size: 4, Members: []btf.Member{{Name: "a", Type: u64}}}, 4},
		{"bit field outside", &btf.Struct{Size: 4, Members: []btf.Member{{Name: "a", Type: u32, Offset: 24, BitfieldSize: 9}}}, 4},
		{"other size", u32, 8},
		{"too deep", deep, 1},
		{"members in the same bytes", doubled(func(m []btf.Member) btf.Type { return &btf.Union{Name: "u", Size: 8, Members: m} }, "a", u64), 8},
		{"unnamed members in the same bytes", doubled(func(m []btf.Member) btf.Type { return &btf.Union{Size: 8, Members: m} }, "", u64), 8},
		{"unnamed members without a byte", &btf.Struct{Size: 8, Members: []btf.Member{{
			Type: doubled(func(m []btf.Member) btf.Type { return &btf.Struct{Members: m} }, "", &btf.Struct{}),
		}}}, 8},
	} {
		if New(tt.typ, tt.size).Typed() {
			t.Errorf("%s: it has a codec", tt.name)
		}
	}
}

// doubled is 24 types in one another, of which each has the one below twice.
func doubled(of func([]btf.Member) btf.Type, name string, inner btf.Type) btf.Type {
	for range 24 {
		second := name
		if name != "" {
			second += "2"
		}
		inner = of([]btf.Member{{Name: name, Type: inner}, {Name: second, Type: inner}})
	}
	return inner
}

// TestNoBytes: what takes no bytes has nothing to write, however often it is there.
func TestNoBytes(t *testing.T) {
	none := doubled(func(m []btf.Member) btf.Type { return &btf.Struct{Name: "none", Members: m} }, "a", &btf.Struct{Name: "empty"})
	for _, inner := range []btf.Type{none, array(none, 1e9), array(array(u8, 0), 1e9)} {
		c := New(&btf.Struct{Size: 4, Members: []btf.Member{{Name: "x", Type: u32}, {Name: "y", Type: inner, Offset: 32}}}, 4)
		value := bytesOf(t, "ffffffff")
		text := c.Append(nil, value)
		if !c.Typed() || len(text) > 30 {
			t.Fatalf("%v: %d bytes", inner, len(text))
		}
		if rest, err := c.Parse(value, text); err != nil || len(rest) > 0 {
			t.Errorf("%s: %q, %v", text, rest, err)
		}
	}
}

// FuzzParse: no text makes it panic, and what it takes it writes so that it
// reads the same bytes.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"limit":1,"name":"a\n","pair":[{"a":1}]}`, `"0x00"`, `{"high":-1,"low":15}`, `{`, `{"mode":"LEARN"}`} {
		f.Add([]byte(seed))
	}
	c := New(config, 40)
	f.Fuzz(func(t *testing.T, text []byte) {
		value, again := make([]byte, 40), make([]byte, 40)
		if _, err := c.Parse(value, text); err != nil {
			return
		}
		written := c.Append(nil, value)
		if _, err := c.Parse(again, written); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if diff := cmp.Diff(value, again); diff != "" {
			t.Errorf("%s: %s", written, diff)
		}
		if _, err := Skip(written); err != nil {
			t.Errorf("skip %s: %v", written, err)
		}
	})
}

// FuzzValue: whatever bytes a value has, what is written of it is read as the same.
func FuzzValue(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add(make([]byte, 64))
	f.Add([]byte("\x01\x02\x03\x04text\x00more"))
	everything := New(&btf.Struct{Size: 64, Members: []btf.Member{
		{Name: "config", Type: config},
		{Name: "f", Type: &btf.Union{Size: 8, Members: []btf.Member{{Name: "f64", Type: f64}, {Name: "f32", Type: array(f32, 2)}}}, Offset: 320},
		{Name: "mac", Type: array(u8, 6), Offset: 384},
		{Name: "text", Type: array(char, 3), Offset: 432},
		{Name: "sign", Type: sign, Offset: 480},
	}}, 64)
	key := NewPrefix(nil, 8)
	if !everything.Typed() {
		f.Fatal("no codec")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		value, again := make([]byte, 64), make([]byte, 64)
		copy(value, b)
		for _, c := range []*Codec{everything, key} {
			text := c.Append(nil, value)
			if !json.Valid(text) {
				t.Errorf("%s is no JSON", text)
			}
			if rest, err := c.Parse(again, text); err != nil || len(rest) > 0 {
				t.Fatalf("%s: %q, %v", text, rest, err)
			}
			if diff := cmp.Diff(value[:c.size], again[:c.size]); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	c := New(&btf.Struct{Size: 16, Members: []btf.Member{{Name: "packets", Type: u64}, {Name: "bytes", Type: u64, Offset: 64}}}, 16)
	value, text := make([]byte, 16), []byte(`{"packets":123456,"bytes":7890123456}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Parse(value, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	c := New(&btf.Struct{Size: 16, Members: []btf.Member{{Name: "packets", Type: u64}, {Name: "bytes", Type: u64, Offset: 64}}}, 16)
	value, out := make([]byte, 16), make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		out = c.Append(out[:0], value)
	}
}

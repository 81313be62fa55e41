package btfjson

import (
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

func TestConversion(t *testing.T) {
	of := func(size uint32, members ...btf.Member) *btf.Struct {
		return &btf.Struct{Name: "s", Size: size, Members: members}
	}
	at := func(name string, offset btf.Bits, t btf.Type) btf.Member {
		return btf.Member{Name: name, Offset: 8 * offset, Type: t}
	}
	old := of(24, at("packets", 0, u32), at("mode", 4, mode), at("hosts", 8, array(u16, 2)), at("gone", 12, u32), at("name", 16, array(char, 8)))
	newMode := &btf.Enum{Name: "mode", Size: 1, Values: []btf.EnumValue{{Name: "OFF", Value: 0}, {Name: "BLOCK", Value: 1}, {Name: "LEARN", Value: 2}}}
	for _, tt := range []struct {
		name           string
		from, to       btf.Type
		in, out        string
		dropped, added []string
		err            string
	}{
		{name: "the same", from: u32, to: u32, in: `7`, out: `7`},
		{name: "wider", from: u32, to: u64, in: `4294967295`, out: `4294967295`},
		{name: "wider with a sign", from: s8, to: s64, in: `-1`, out: `-1`},
		{name: "narrower", from: u64, to: u8, in: `255`, out: `255`},
		{name: "too narrow", from: u64, to: u8, in: `256`, err: `256 does not fit the type`},
		{name: "byte order", from: u32, to: be32, in: `1`, out: `"0.0.0.1"`},
		{name: "truth", from: u32, to: yes, in: `3`, out: `true`},
		{name: "number of truth", from: yes, to: u32, in: `true`, out: `1`},
		{name: "float", from: f32, to: f64, in: `1.5`, out: `1.5`},
		{
			name: "order, growth, names", from: old,
			to:      of(40, at("name", 0, array(char, 12)), at("hosts", 12, array(u32, 3)), at("mode", 24, newMode), at("packets", 28, u64), at("fresh", 36, u8)),
			in:      `{"packets":7,"mode":"LEARN","hosts":[1,2],"gone":9,"name":"eth0"}`,
			out:     `{"name":"eth0","hosts":[1,2,0],"mode":"LEARN","packets":7,"fresh":0}`,
			dropped: []string{"gone"}, added: []string{"name[8] to [11]", "hosts[2]", "fresh"},
		},
		{
			name: "inside of arrays", from: array(of(8, at("a", 0, u32), at("b", 4, u32)), 2), to: array(of(8, at("b", 0, u32), at("c", 4, u32)), 1),
			in: `[{"a":1,"b":2},{"a":3,"b":4}]`, out: `[{"b":2,"c":0}]`,
			dropped: []string{"[].a", "[1]"}, added: []string{"[].c"},
		},
		{
			name: "another kind", from: of(8, at("a", 0, u32), at("b", 4, u32)), to: of(8, at("a", 0, array(u8, 4)), at("b", 4, u32)),
			in: `{"a":1,"b":2}`, out: `{"a":"0.0.0.0","b":2}`, dropped: []string{"a"}, added: []string{"a"},
		},
		{
			name: "bit fields", from: of(4, btf.Member{Name: "low", Type: u32, BitfieldSize: 4}, btf.Member{Name: "high", Type: s32, Offset: 4, BitfieldSize: 28}),
			to: of(8, at("high", 0, s32), btf.Member{Name: "low", Type: u32, Offset: 32, BitfieldSize: 5}),
			in: `{"low":15,"high":-2}`, out: `{"high":-2,"low":15}`,
		},
		{name: "nothing", from: u32, to: array(u8, 4), in: `1`, out: `"0.0.0.0"`, dropped: []string{""}, added: []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			size := func(t btf.Type) int { n, _ := btf.Sizeof(t); return n }
			from, to := New(tt.from, size(tt.from)), New(tt.to, size(tt.to))
			src, dst := make([]byte, from.Size()), make([]byte, to.Size())
			if _, err := from.Parse(src, []byte(tt.in)); err != nil {
				t.Fatal(err)
			}
			c := NewConversion(from, to)
			if diff := cmp.Diff([][]string{tt.dropped, tt.added}, [][]string{c.Dropped, c.Added}); diff != "" {
				t.Error(diff)
			}
			if c.Nothing() {
				if tt.name != "nothing" {
					t.Error("nothing in common")
				}
				return
			}
			err := c.Convert(dst, src)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if got := string(to.Append(nil, dst)); err != nil || got != tt.out {
				t.Errorf("got %s, %v, want %s", got, err, tt.out)
			}
		})
	}
}

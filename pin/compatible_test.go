package pin

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
)

var hash = ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16}

// with returns a copy of a spec with changes.
func with(spec ebpf.MapSpec, change func(*ebpf.MapSpec)) *ebpf.MapSpec {
	change(&spec)
	return &spec
}

func TestCompatible(t *testing.T) {
	needRoot(t)
	cpus, err := ebpf.PossibleCPU()
	must(t, err)
	page := uint32(os.Getpagesize())
	devmap := ebpf.MapSpec{Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 8}
	ring := ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 2 * page}
	lru := ebpf.MapSpec{Type: ebpf.LRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 8*uint32(cpus) - 1, Flags: unix.BPF_F_NO_COMMON_LRU}
	for _, tt := range []struct {
		name string
		have ebpf.MapSpec // as it is made
		want *ebpf.MapSpec
		diff []Field
	}{
		{name: "same", have: hash, want: &hash},
		{
			name: "everything else", have: hash,
			want: &ebpf.MapSpec{Type: ebpf.Array, KeySize: 8, ValueSize: 4, MaxEntries: 8, Flags: unix.BPF_F_MMAPABLE},
			diff: []Field{
				{"map_type", "array", "hash"},
				{"key_size", "8", "4"},
				{"value_size", "4", "8"},
				{"max_entries", "8", "16"},
				{"map_flags", "0x400", "0x0"},
			},
		},
		{
			name: "flags", have: *with(hash, func(s *ebpf.MapSpec) { s.Flags = unix.BPF_F_NO_PREALLOC }), want: &hash,
			diff: []Field{{"map_flags", "0x0", "0x1"}},
		},
		{name: "DEVMAP gets RDONLY_PROG", have: devmap, want: &devmap},
		{
			name: "DEVMAP of another size", have: devmap, want: with(devmap, func(s *ebpf.MapSpec) { s.MaxEntries = 9 }),
			diff: []Field{{"max_entries", "9", "8"}},
		},
		{
			name: "RDONLY_PROG on a hash", have: *with(hash, func(s *ebpf.MapSpec) { s.Flags = unix.BPF_F_RDONLY_PROG }), want: &hash,
			diff: []Field{{"map_flags", "0x0", "0x80"}},
		},
		{name: "RDONLY is the descriptor's", have: hash, want: with(hash, func(s *ebpf.MapSpec) { s.Flags = unix.BPF_F_RDONLY })},
		{name: "ring rounded to pages", have: ring, want: with(ring, func(s *ebpf.MapSpec) { s.MaxEntries = page + 1 })},
		{
			name: "ring of another size", have: ring, want: with(ring, func(s *ebpf.MapSpec) { s.MaxEntries = 2*page + 1 }),
			diff: []Field{{"max_entries", fmt.Sprint(2*page + 1), fmt.Sprint(2 * page)}},
		},
		{name: "LRU rounded to CPUs", have: lru, want: &lru},
		{
			name: "perf event array of all CPUs", have: ebpf.MapSpec{Type: ebpf.PerfEventArray},
			want: &ebpf.MapSpec{Type: ebpf.PerfEventArray, MaxEntries: 4096},
		},
		{
			name: "data section", have: ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE},
			want: &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Value: &btf.Datasec{Name: ".data", Size: 8}},
		},
		{
			name: "map_extra",
			have: ebpf.MapSpec{Type: ebpf.BloomFilter, ValueSize: 4, MaxEntries: 8, MapExtra: 3},
			want: &ebpf.MapSpec{Type: ebpf.BloomFilter, ValueSize: 4, MaxEntries: 8, MapExtra: 4},
			diff: []Field{{"map_extra", "0x4", "0x3"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.have.Type == ebpf.BloomFilter {
				bpftest.Need(t, bpftest.BloomFilter)
			}
			compare(t, tt.want, newMapOf(t, &tt.have), tt.diff)
		})
	}
}

func compare(t *testing.T, want *ebpf.MapSpec, have *ebpf.Map, diff []Field) {
	t.Helper()
	err := Compatible("/p/m", want, have)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		must(t, err)
		mismatch = &MismatchError{Path: "/p/m"}
	}
	if d := cmp.Diff(&MismatchError{Path: "/p/m", Fields: diff}, mismatch); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestMismatchText(t *testing.T) {
	err := &MismatchError{Path: "/p/m", Fields: []Field{{"max_entries", "8", "4"}, {"key.src", "u32", "absent"}}}
	want := "pinned map /p/m does not fit: max_entries is 8 in the object, 4 in the pinned map; key.src is u32 in the object, absent in the pinned map"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestCompatibleInner(t *testing.T) {
	needRoot(t)
	array := ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 2}
	outer := func(inner *ebpf.MapSpec) *ebpf.MapSpec {
		return &ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, MaxEntries: 4, InnerMap: inner}
	}
	bigger := with(array, func(s *ebpf.MapSpec) { s.MaxEntries = 3 })
	for _, tt := range []struct {
		name  string
		have  *ebpf.MapSpec
		want  *ebpf.MapSpec
		empty bool
		diff  []Field
	}{
		{name: "same", have: &array, want: &array},
		{name: "array with more entries", have: &array, want: bigger, diff: []Field{{"inner.max_entries", "3", "2"}}},
		{name: "hash with more entries", have: &hash, want: with(hash, func(s *ebpf.MapSpec) { s.MaxEntries++ })},
		{
			name: "another type", have: &array, want: &hash,
			diff: []Field{{"inner.map_type", "hash", "array"}, {"inner.value_size", "8", "4"}},
		},
		{name: "nothing in it yet", have: &array, want: bigger, empty: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMapOf(t, outer(tt.have))
			if !tt.empty {
				must(t, m.Put(uint32(2), newMapOf(t, tt.have)))
			}
			compare(t, outer(tt.want), m, tt.diff)
		})
	}
}

// flows returns the spec of the map in testdata/pinned.c.
func flows(t *testing.T) *ebpf.MapSpec {
	t.Helper()
	raw, err := os.ReadFile("testdata/pinned.o")
	must(t, err)
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(raw))
	must(t, err)
	m := spec.Maps["flows"]
	m.Pinning = ebpf.PinNone
	return m
}

func TestCompatibleTypes(t *testing.T) {
	needRoot(t)
	have := newMapOf(t, flows(t))
	u16, u32 := &btf.Int{Name: "x", Size: 2}, &btf.Int{Name: "y", Size: 4}
	for _, tt := range []struct {
		name string
		key  btf.Type
		diff []Field
	}{
		{name: "same", key: flows(t).Key},
		{name: "unknown"},
		{
			name: "other names of types",
			key: &btf.Typedef{Name: "flow_t", Type: &btf.Struct{Size: 12, Members: []btf.Member{
				{Name: "src", Type: u32},
				{Name: "dst", Type: &btf.Const{Type: u32}, Offset: 32},
				{Name: "port", Type: &btf.Array{Index: u32, Type: u16, Nelems: 2}, Offset: 64},
			}}},
		},
		{
			name: "two members change places",
			key: &btf.Struct{Size: 12, Members: []btf.Member{
				{Name: "dst", Type: u32},
				{Name: "src", Type: u32, Offset: 32},
				{Name: "port", Type: &btf.Array{Index: u32, Type: u16, Nelems: 2}, Offset: 64},
			}},
			diff: []Field{
				{"key.dst", "u32 at byte 0", "u32 at byte 4"},
				{"key.src", "u32 at byte 4", "u32 at byte 0"},
			},
		},
		{
			name: "other members",
			key: &btf.Struct{Size: 12, Members: []btf.Member{
				{Name: "src", Type: u32},
				{Name: "dst", Type: u32, Offset: 32},
				{Name: "id", Type: u32, Offset: 64},
			}},
			diff: []Field{
				{"key.id", "u32 at byte 8", "absent"},
				{"key.port", "absent", "u16[2] at byte 8"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := flows(t)
			want.Key = tt.key
			compare(t, want, have, tt.diff)
		})
	}
}

func TestMembers(t *testing.T) {
	u8, u32 := &btf.Int{Size: 1}, &btf.Int{Size: 4}
	slot := &btf.Struct{Size: 8, Members: []btf.Member{{Name: "id", Type: u32}, {Name: "on", Type: &btf.Int{Size: 1, Encoding: btf.Bool}, Offset: 32}}}
	for _, tt := range []struct {
		name string
		of   btf.Type
		want []member
	}{
		{name: "integer", of: &btf.Int{Size: 8, Encoding: btf.Signed}, want: []member{{"v", "s64"}}},
		{name: "others", of: &btf.Struct{Members: []btf.Member{
			{Name: "e", Type: &btf.Enum{Size: 4}},
			{Name: "f", Type: &btf.Float{Size: 8}, Offset: 64},
			{Name: "p", Type: &btf.Pointer{Target: slot}, Offset: 128},
			{Name: "b", Type: u32, Offset: 195, BitfieldSize: 5},
			{Name: "w", Type: &btf.Fwd{Name: "w"}, Offset: 256},
		}}, want: []member{
			{"v.e", "enum32 at byte 0"},
			{"v.f", "float64 at byte 8"},
			{"v.p", "pointer at byte 16"},
			{"v.b", "u32:5 at bit 195"},
			{"v.w", "*btf.Fwd at byte 32"},
		}},
		{name: "anonymous union", of: &btf.Struct{Members: []btf.Member{
			{Type: &btf.Union{Members: []btf.Member{{Name: "a", Type: u32}, {Name: "b", Type: u8}}}, Offset: 32},
		}}, want: []member{{"v.a", "u32 at byte 4"}, {"v.b", "u8 at byte 4"}}},
		{name: "array of structs", of: &btf.Struct{Members: []btf.Member{
			{Name: "slots", Type: &btf.Array{Type: slot, Nelems: 3}, Offset: 64},
		}}, want: []member{{"v.slots", "[3] at byte 8"}, {"v.slots[].id", "u32 at byte 8"}, {"v.slots[].on", "bool at byte 12"}}},
		{name: "data section", of: &btf.Datasec{Vars: []btf.VarSecinfo{
			{Type: &btf.Var{Name: "step", Type: u32}, Offset: 4, Size: 4},
		}}, want: []member{{"v.step", "u32 at byte 4"}}},
		{name: "nothing", of: (*btf.Void)(nil), want: []member{{"v", "*btf.Void"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, members("v", tt.of), cmp.AllowUnexported(member{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Types that double with every level must not take exponential time.
func TestMembersBounded(t *testing.T) {
	s := &btf.Struct{}
	for range 64 {
		s = &btf.Struct{Members: []btf.Member{{Name: "a", Type: s}, {Name: "b", Type: s}}}
	}
	if n := len(members("v", s)); n > maxSteps {
		t.Errorf("%d members", n)
	}
}

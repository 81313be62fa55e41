package mapdata_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/internal/mapdata"
)

// FuzzLoad: no text makes a load panic, and what it has set is dumped so that it is loaded as
// the same.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "\ufeff", " \n\t", "[", `{"key":1,"value":{"packets":1}}`, "\n\n{\"key\":1,\"value\":{}}\n{",
		`{"key":1,"values":[{"cpu":0,"value":{"bytes":1}}],"sum":{}}`, `{"sum":[[[[`, `{"value":{"(padding)":"0x00"},"key":"192.0.2.1"}`,
		"key,value.packets,value.bytes\n1,2,3\n# a comment\n\n4,5,6", "key,value\n1,0x00000000000000000000000000000000\n",
		"key,value\n\"1\n\",2", "key,key,value.packets[0]\n", "key,value\n\"", `{"key":"\ud800","value":7}`,
	} {
		f.Add(seed)
	}
	kinds := []*ebpf.MapSpec{
		{Type: ebpf.Hash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 16},
		{Type: ebpf.PerCPUHash, Key: u32, Value: stats, KeySize: 4, ValueSize: 16, MaxEntries: 16},
		{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 16, Flags: 1},
		{Type: ebpf.Hash, Key: &btf.Array{Index: u32, Type: &btf.Int{Name: "char", Size: 1}, Nelems: 4}, Value: u32, KeySize: 4, ValueSize: 4, MaxEntries: 16},
	}
	type opened struct {
		m *ebpf.Map
		d *mapdata.Map
	}
	var maps, again []opened
	for _, spec := range kinds {
		m, d := newMap(f, spec)
		maps = append(maps, opened{m, d})
		m, d = newMap(f, spec)
		again = append(again, opened{m, d})
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, first := range maps {
			_, _ = first.d.Load(t.Context(), strings.NewReader(text), nil)
			was := dump(t, first.d, true)
			if _, err := again[i].d.Load(t.Context(), strings.NewReader(was), nil); err != nil {
				t.Fatalf("%v: %s", err, was)
			}
			if got := dump(t, again[i].d, true); !slices.Equal(lines(got), lines(was)) {
				t.Errorf("got %s, want %s", got, was)
			}
			empty(t, first.m, first.d)
			empty(t, again[i].m, again[i].d)
		}
	})
}

func lines(text string) []string { return slices.Sorted(strings.Lines(text)) }

// empty removes every entry.
func empty(t *testing.T, m *ebpf.Map, d *mapdata.Map) {
	t.Helper()
	var keys [][]byte
	err := d.Each(func(key, _ []byte) error {
		keys = append(keys, bytes.Clone(key))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := m.Delete(key); err != nil {
			t.Fatal(err)
		}
	}
}

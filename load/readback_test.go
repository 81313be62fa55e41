package load_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

// TestReadBack: whatever bytes the maps of the fixtures hold, what is dumped of them is loaded
// as the same, and dumped as the same again.
func TestReadBack(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	types := make(map[ebpf.MapType]int)
	for _, name := range testobj.Names() {
		first, again := loadAlone(t, name), loadAlone(t, name)
		if first == nil || again == nil {
			continue
		}
		for i, m := range first.Maps {
			t.Run(name+" "+m.Name, func(t *testing.T) {
				if readBack(t, m, again.Maps[i]) {
					types[m.Type()]++
				}
			})
		}
	}
	for _, typ := range []ebpf.MapType{ebpf.Hash, ebpf.Array, ebpf.PerCPUHash, ebpf.LPMTrie, ebpf.DevMap} {
		if types[typ] == 0 {
			t.Errorf("no map of type %v was read back", typ)
		}
	}
}

// loadAlone loads an object without pins, nil if it does not load.
func loadAlone(t *testing.T, name string) *load.Loaded {
	t.Helper()
	obj, err := elf.Open(testobj.Path(t, name))
	if err != nil {
		return nil
	}
	l, err := load.Load(t.Context(), obj, load.Options{Pins: load.PinOptions{Off: true}})
	if err != nil {
		return nil
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func readBack(t *testing.T, m, other *load.Map) bool {
	info, err := sys.InfoOfMap(m.FD())
	if err != nil {
		t.Fatal(err)
	}
	from, err := mapdata.New(m.Map, mapdata.Names{})
	to, err2 := mapdata.New(other.Map, mapdata.Names{})
	if err != nil || err2 != nil || fill(m, info) == 0 {
		return false
	}
	dump := func(d *mapdata.Map) string {
		var b strings.Builder
		if _, err := d.Dump(&b, true); err != nil {
			t.Fatal(err)
		}
		lines := slices.Sorted(strings.Lines(b.String()))
		return strings.Join(lines, "")
	}
	want := dump(from)
	if _, err := to.Load(t.Context(), strings.NewReader(want), nil); err != nil {
		t.Fatalf("%v in:\n%s", err, want)
	}
	if got := dump(to); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if a, b := raw(t, from), raw(t, to); a != b {
		t.Errorf("got %s\nwant %s\nby %s", b, a, want)
	}
	return true
}

// fill puts entries of any bytes into a map, and returns how many it took: none where values
// are what the kernel knows, or nobody may write.
func fill(m *load.Map, info *sys.MapInfo) (n int) {
	random := rand.New(rand.NewPCG(1, uint64(info.ID)))
	cpus, stride := 1, int(info.ValueSize)
	switch m.Type() {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash:
		cpus, stride = ebpf.MustPossibleCPU(), (stride+7)&^7
	case ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.HashOfMaps, ebpf.BloomFilter:
		return 0
	}
	for i := range byte(min(info.MaxEntries, 8)) {
		key, value := make([]byte, info.KeySize), make([]byte, cpus*stride)
		for cpu := range cpus {
			for b := range int(info.ValueSize) {
				value[cpu*stride+b] = byte(random.Uint32())
			}
		}
		switch m.Type() {
		case ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash:
			for b := range key {
				key[b] = byte(random.Uint32())
			}
		case ebpf.DevMap, ebpf.DevMapHash: // of the first device, lo
			clear(value)
			value[0] = 1
			fallthrough
		default:
			key[0] = i // little endian, as the fixtures are
		}
		if m.Type() == ebpf.LPMTrie {
			key[4] = 10 + i
		}
		if sys.UpdateElem(m.FD(), key, value, 0) == nil {
			n++
		}
	}
	return n
}

// raw is the bytes of all entries.
func raw(t *testing.T, d *mapdata.Map) string {
	t.Helper()
	var lines []string
	err := d.Each(func(key, value []byte) error {
		lines = append(lines, fmt.Sprintf("%x: %x", key, value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

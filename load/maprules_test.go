package load

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/sys"
)

// TestInvalidMaps: the kernel refuses what is called invalid, and nothing else, of many sizes
// of all types of maps that need no other.
func TestInvalidMaps(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	young := map[ebpf.MapType]string{ebpf.BloomFilter: "5.16", ebpf.UserRingbuf: "6.1"}
	types := []ebpf.MapType{
		ebpf.Hash, ebpf.Array, ebpf.ProgramArray, ebpf.PerfEventArray, ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.CGroupArray, ebpf.LRUHash,
		ebpf.LRUCPUHash, ebpf.LPMTrie, ebpf.DevMap, ebpf.SockMap, ebpf.CPUMap, ebpf.XSKMap, ebpf.SockHash, ebpf.Queue, ebpf.Stack,
		ebpf.DevMapHash, ebpf.RingBuf, ebpf.BloomFilter, ebpf.UserRingbuf,
	}
	page := uint32(os.Getpagesize())
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			if since := young[typ]; since != "" {
				bpftest.Need(t, bpftest.MapOf(typ, since))
			}
			checkRules(t, typ, page)
		})
	}
}

func checkRules(t *testing.T, typ ebpf.MapType, page uint32) {
	t.Helper()
	for _, key := range []uint32{0, 1, 4, 5, 8, 260, 264} {
		for _, value := range []uint32{0, 1, 4, 8, 12} {
			for _, entries := range []uint32{0, 1, 1000, page, 3 * page} {
				for _, flags := range []uint32{0, 1} {
					checkRule(t, &ebpf.MapSpec{Name: "m", Type: typ, KeySize: key, ValueSize: value, MaxEntries: entries, Flags: flags})
				}
			}
		}
	}
}

func checkRule(t *testing.T, m *ebpf.MapSpec) {
	t.Helper()
	why := (&loader{}).invalid(m)
	fd, err := sys.CreateMap(m.Name, sys.Map{
		Type: uint32(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags,
	})
	if err == nil {
		_ = sys.Close(fd)
	}
	what := fmt.Sprintf("%s, key %d, value %d, entries %d, flags %d", m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags)
	refused := errors.Is(err, unix.EINVAL)
	switch {
	case m.Type == ebpf.PerfEventArray && (m.MaxEntries == 0 || m.KeySize == 0 || m.ValueSize == 0): // a loader gives it what it lacks
	case why != "" && err == nil:
		t.Errorf("%s: made, although %s", what, why)
	case why == "" && refused:
		t.Errorf("%s: refused, for no known reason", what)
	}
}

// TestKernelSays: what the kernel has to say of a map comes with the error, and is not asked
// for where nothing is wrong.
func TestKernelSays(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	const numaNode = 1 << 2 // BPF_F_NUMA_NODE
	spec := &ebpf.MapSpec{Name: "m", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: numaNode, NumaNode: 12345}
	said := sys.WhyNoMap("m", sys.Map{Type: uint32(ebpf.Array), KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: numaNode, NumaNode: 12345})
	_, err := (&loader{}).createMap(spec)
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), said) {
		t.Errorf("%v, where the kernel says %q", err, said)
	}
}

// TestInvalidMap: the reason comes with the map's name, and the way out with its words.
func TestInvalidMap(t *testing.T) {
	for want, m := range map[string]elf.Map{
		"it has no max_entries: the application that it is of sets them before it loads it": {Type: ebpf.Hash, KeySize: 4, ValueSize: 4},
		"its key is of 8 bytes, and a key of array of 4":                                    {Type: ebpf.Array, KeySize: 8, ValueSize: 4, MaxEntries: 1},
		"its value is of 12 bytes, and a value of devmap of 4 or 8":                         {Type: ebpf.DevMap, KeySize: 4, ValueSize: 12, MaxEntries: 1},
		"its key is of 0 bytes, and a key of hash of 1 or more":                             {Type: ebpf.Hash, ValueSize: 4, MaxEntries: 1},
		"it lacks flag BPF_F_NO_PREALLOC, without which there is no LPM trie":               {Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 1},
		"its value is of 12 bytes, and a value of stack_trace has 8 for each frame":         {Type: ebpf.StackTrace, KeySize: 4, ValueSize: 12, MaxEntries: 1},
		"it lacks flag BPF_F_NO_PREALLOC, without which there is no sk_storage":             {Type: ebpf.SkStorage, KeySize: 4, ValueSize: 4},
		"its key is of 8 bytes, and a key of sk_storage of 4":                               {Type: ebpf.SkStorage, KeySize: 8, ValueSize: 4, Flags: 1},
		"it has no type": {KeySize: 4, ValueSize: 4, MaxEntries: 1},
		"":               {Type: ebpf.RingBuf, MaxEntries: 4096},
	} {
		if got := m.Invalid(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	spec := &ebpf.MapSpec{Name: "hosts", Type: ebpf.Hash, KeySize: 4, ValueSize: 4}
	for _, tt := range []struct {
		l    loader
		want string
	}{
		{loader{obj: new(elf.Object)}, "it has no max_entries: say how many, map hosts max_entries N"},
		{loader{}, "it has no max_entries"}, // of no object
	} {
		if got := tt.l.invalid(spec); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestRefusedMap: what no rule is known against is told as it was asked for, in the kernel's words,
// and what cilium/ebpf does not ask for is told as the others.
func TestRefusedMap(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	for _, tt := range []struct {
		name string
		spec ebpf.MapSpec
		want string
	}{
		{"a flag", ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 2, Flags: 1 << 30}, "the kernel makes no map of type hash with a key of 4 bytes, a value of 8, max_entries 2 and flags 0x40000000 (invalid argument)"},
		{"a type", ebpf.MapSpec{Type: 999, KeySize: 4, ValueSize: 4, MaxEntries: 1}, "the kernel makes no map of type 999 with a key of 4 bytes, a value of 4, max_entries 1 and flags 0x0 ("},
		{"no type", ebpf.MapSpec{KeySize: 4, ValueSize: 4, MaxEntries: 1}, "it has no type"},
		{"a flag of another type", ebpf.MapSpec{Type: ebpf.LRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1}, "it has flag BPF_F_NO_PREALLOC, which no lru_hash takes (operation not supported)"},
		{"memory", ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 1 << 30, MaxEntries: 1 << 30}, "the kernel makes no map of type array with a key of 4 bytes, a value of 1073741824, "},
		{"maps in it", ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1}, "it does not say what the maps in it are like, as __array(values, …) does"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := (&loader{}).createMap(&tt.spec)
			if err == nil {
				m.Close()
			}
			inItsWords := tt.spec.Type == 999 && err != nil && strings.HasPrefix(err.Error(), "Invalid map_type. (") // where it has some
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) && !inItsWords {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	big := &ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 1}
	err := (&loader{}).refusedMap(big, fmt.Errorf("creating map: map create: %w", unix.E2BIG)) // as newer kernels say
	if want := "its value is of 1048576 bytes, and a CPU has room for one of 32768, "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

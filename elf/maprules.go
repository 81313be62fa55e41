package elf

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
)

// entrySizes are the sizes that the kernel demands of a type of map, and tells by EINVAL
// only; nil for any but 0. Types that are not known have no rule, or one of their own
// (kernel/bpf/arraymap.c, devmap.c, cpumap.c, ringbuf.c, queue_stack_maps.c, bloom_filter.c,
// net/core/sock_map.c, net/xdp/xskmap.c).
func entrySizes(t ebpf.MapType) (keys, values []uint32, known bool) {
	none, descriptor, either := []uint32{0}, []uint32{4}, []uint32{4, 8}
	switch t {
	case ebpf.Hash, ebpf.PerCPUHash, ebpf.LRUHash, ebpf.LRUCPUHash:
		return nil, nil, true
	case ebpf.Array, ebpf.PerCPUArray, ebpf.StackTrace:
		return descriptor, nil, true
	case ebpf.HashOfMaps:
		return nil, descriptor, true
	case ebpf.ProgramArray, ebpf.CGroupArray, ebpf.ArrayOfMaps, ebpf.XSKMap:
		return descriptor, descriptor, true
	case ebpf.PerfEventArray: // a loader gives it what it lacks
		return []uint32{4, 0}, []uint32{4, 0}, true
	case ebpf.DevMap, ebpf.DevMapHash, ebpf.CPUMap, ebpf.SockMap:
		return descriptor, either, true
	case ebpf.SockHash:
		return nil, either, true
	case ebpf.Queue, ebpf.Stack, ebpf.BloomFilter:
		return none, nil, true
	case ebpf.RingBuf, ebpf.UserRingbuf:
		return none, none, true
	default:
		return nil, nil, false
	}
}

// Flags of maps, include/uapi/linux/bpf.h.
const bpfFNoPrealloc = 1 << 0

// Invalid says why no kernel makes such a map, "" if nothing is known against it. A map
// without entries is invalid too: see [Map.Sizeless].
func (m *Map) Invalid() string {
	keys, values, known := entrySizes(m.Type)
	switch {
	case m.Sizeless():
		return "it has no max_entries: the application that it is of sets them before it loads it"
	case m.Type == ebpf.UnspecifiedMap:
		return "it has no type"
	case m.Type == ebpf.LPMTrie:
		return m.invalidTrie()
	case isStorage(m.Type):
		return m.invalidStorage()
	case !known:
		return ""
	case !fits(m.KeySize, keys):
		return fmt.Sprintf("its key is of %d bytes, and a key of %s of %s", m.KeySize, kernelname.Map(m.Type), sizes(keys))
	case m.Type == ebpf.StackTrace && m.ValueSize%8 != 0: // kernel/bpf/stackmap.c
		return fmt.Sprintf("its value is of %d bytes, and a value of stack_trace has 8 for each frame", m.ValueSize)
	case !fits(m.ValueSize, values):
		return fmt.Sprintf("its value is of %d bytes, and a value of %s of %s", m.ValueSize, kernelname.Map(m.Type), sizes(values))
	}
	switch n := m.MaxEntries; m.Type {
	case ebpf.Hash, ebpf.PerCPUHash, ebpf.HashOfMaps:
		return ""
	case ebpf.RingBuf, ebpf.UserRingbuf:
		if n&(n-1) != 0 || n < 4096 {
			return fmt.Sprintf("its max_entries are the bytes of a ring, a power of two and a multiple of the page size, and not %d", n)
		}
	}
	if m.Flags&bpfFNoPrealloc != 0 {
		return fmt.Sprintf("it has flag BPF_F_NO_PREALLOC, which no %s takes", kernelname.Map(m.Type))
	}
	return ""
}

// invalidTrie has the rules of kernel/bpf/lpm_trie.c.
func (m *Map) invalidTrie() string {
	switch {
	case m.Flags&bpfFNoPrealloc == 0:
		return "it lacks flag BPF_F_NO_PREALLOC, without which there is no LPM trie"
	case m.KeySize < 5 || m.KeySize > 260:
		return fmt.Sprintf("its key is of %d bytes, and a key of an LPM trie of 5 to 260, with the length of the prefix in the first 4", m.KeySize)
	case m.ValueSize == 0:
		return "its value is of 0 bytes"
	}
	return ""
}

// isStorage reports whether a type is storage that belongs to something else.
func isStorage(t ebpf.MapType) bool {
	return t == ebpf.SkStorage || t == ebpf.InodeStorage || t == ebpf.TaskStorage || t == ebpf.CgroupStorage
}

// invalidStorage has the rules of kernel/bpf/bpf_local_storage.c.
func (m *Map) invalidStorage() string {
	name := kernelname.Map(m.Type)
	switch {
	case m.Flags&bpfFNoPrealloc == 0:
		return fmt.Sprintf("it lacks flag BPF_F_NO_PREALLOC, without which there is no %s", name)
	case m.KeySize != 4:
		return fmt.Sprintf("its key is of %d bytes, and a key of %s of 4", m.KeySize, name)
	case m.ValueSize == 0:
		return "its value is of 0 bytes"
	case m.MaxEntries != 0:
		return fmt.Sprintf("it has max_entries, and %s none: it is as large as what it belongs to is many", name)
	}
	return ""
}

// Sizeless reports whether the map has no max_entries and the kernel wants them.
func (m *Map) Sizeless() bool {
	_, _, known := entrySizes(m.Type)
	return m.MaxEntries == 0 && (known || m.Type == ebpf.LPMTrie) && m.Type != ebpf.PerfEventArray
}

func fits(size uint32, allowed []uint32) bool {
	return slices.Contains(allowed, size) || allowed == nil && size > 0
}

func sizes(allowed []uint32) string {
	switch {
	case allowed == nil:
		return "1 or more"
	case len(allowed) == 1:
		return fmt.Sprint(allowed[0])
	}
	return fmt.Sprintf("%d or %d", allowed[0], allowed[1])
}

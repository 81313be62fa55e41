package mapdata

import (
	"encoding/binary"
	"iter"

	"github.com/cilium/ebpf"
)

// HoldsPrograms reports whether the elements of maps of a type can be programs, or have one.
func HoldsPrograms(t ebpf.MapType) bool { return programAt(t) >= 0 }

// programAt is where in an element the id of its program is, -1 where there is none: struct
// bpf_devmap_val and bpf_cpumap_val have it after another number.
func programAt(t ebpf.MapType) int {
	switch t {
	case ebpf.ProgramArray:
		return 0
	case ebpf.DevMap, ebpf.DevMapHash, ebpf.CPUMap:
		return 4
	default:
		return -1
	}
}

// Programs lists the elements of a map that hold a program: their keys, and the program's id.
// It ends where the map cannot be read.
func Programs(m *ebpf.Map) iter.Seq2[uint32, uint32] {
	at := programAt(m.Type())
	return func(yield func(key, program uint32) bool) {
		if at < 0 || m.KeySize() != 4 || int(m.ValueSize()) < at+4 {
			return
		}
		var key uint32
		value := make([]byte, m.ValueSize())
		for entries := m.Iterate(); entries.Next(&key, &value); {
			if id := binary.NativeEndian.Uint32(value[at:]); id != 0 && !yield(key, id) {
				return
			}
		}
	}
}

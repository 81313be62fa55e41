package load

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// migrate copies the entries of a map into a new one of other properties. What
// programs write meanwhile is not in the copy.
func migrate(from, to *ebpf.Map) error {
	switch {
	case isTable(from.Type()) || isTable(to.Type()):
		return fmt.Errorf("the entries of a map of type %v are programs or maps, which the new load brings: use recreate", from.Type())
	case from.KeySize() != to.KeySize() || from.ValueSize() != to.ValueSize():
		return fmt.Errorf("entries have %d+%d bytes there, %d+%d bytes in the object", from.KeySize(), from.ValueSize(), to.KeySize(), to.ValueSize())
	case isPerCPU(from.Type()) != isPerCPU(to.Type()):
		return errors.New("only one of them has a value for each CPU")
	}
	var key, value []byte
	entries := from.Iterate()
	for entries.Next(&key, &value) {
		err := to.Put(key, value)
		if errors.Is(err, unix.E2BIG) {
			return fmt.Errorf("the entries do not all fit, the object's map holds %d: %w", to.MaxEntries(), err)
		}
		if err != nil {
			return fmt.Errorf("entry %x: %w", key, err)
		}
	}
	return entries.Err()
}

func isPerCPU(t ebpf.MapType) bool {
	switch t {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage:
		return true
	default:
		return false
	}
}

// isTable reports whether the elements are programs or maps.
func isTable(t ebpf.MapType) bool {
	return t == ebpf.ProgramArray || t == ebpf.ArrayOfMaps || t == ebpf.HashOfMaps
}

package load

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/mapdata"
)

// migrate copies the entries of the map that is pinned at path into a new one of other
// properties, and notes what has no counterpart.
func (l *loader) migrate(path string, old, m *ebpf.Map) error {
	if isTable(old.Type()) || isTable(m.Type()) {
		return fmt.Errorf("the entries of a map of type %s are programs or maps, which the new load brings: use recreate", kernelname.Map(old.Type()))
	}
	from, err := mapdata.New(old, mapdata.Names{})
	if err != nil {
		return err
	}
	to, err := mapdata.New(m, mapdata.Names{})
	if err != nil {
		return err
	}
	done, err := mapdata.Migrate(from, to)
	if err != nil {
		return err
	}
	if len(done.Dropped) > 0 {
		l.migrated = append(l.migrated, fmt.Sprintf("the entries of %s have lost %s, which the object does not have", path, strings.Join(done.Dropped, ", ")))
	}
	if len(done.Added) > 0 {
		l.migrated = append(l.migrated, fmt.Sprintf("the entries of %s have got %s, which the pinned map did not have: all 0", path, strings.Join(done.Added, ", ")))
	}
	return nil
}

// isTable reports whether the elements are programs or maps.
func isTable(t ebpf.MapType) bool {
	return t == ebpf.ProgramArray || t == ebpf.ArrayOfMaps || t == ebpf.HashOfMaps
}

// Package lab gives tests of the library a bench to load and attach fixtures on.
package lab

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

// Object opens a fixture.
func Object(t testing.TB, name string) *elf.Object {
	t.Helper()
	obj, err := elf.Open(testobj.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// Load loads the program of a fixture that s selects, an XDP program if s says no
// other type. It is closed with the test.
func Load(t testing.TB, object string, s elf.Selector) *load.Loaded {
	t.Helper()
	if s.Type == ebpf.UnspecifiedProgram {
		s.Type = ebpf.XDP
	}
	l, err := load.Load(t.Context(), Object(t, object), load.Options{Select: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// MapOf finds a map of a load.
func MapOf(t testing.TB, l *load.Loaded, name string) *load.Map {
	t.Helper()
	for _, m := range l.Maps {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no map %s", name)
	return nil
}

// Slots are the ids of the programs in an array of programs or maps, by key.
func Slots(t testing.TB, m *ebpf.Map) map[uint32]uint32 {
	t.Helper()
	all := make(map[uint32]uint32)
	var key, id uint32
	entries := m.Iterate()
	for entries.Next(&key, &id) {
		all[key] = id
	}
	if err := entries.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// PinnedID is the id of the map at a path.
func PinnedID(t testing.TB, path string) uint32 {
	t.Helper()
	m, err := ebpf.LoadPinnedMap(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

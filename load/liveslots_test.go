package load

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestLiveSlots: when a later slot cannot be set, the earlier ones are as they
// were.
func TestLiveSlots(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	array := func() *ebpf.Map {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	program := func() *ebpf.Program {
		obj, err := elf.Open(testobj.Path(t, "tiny.o"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := Load(t.Context(), obj, Options{Select: elf.Selector{Type: ebpf.XDP}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Program().Program
	}
	id := func(m *ebpf.Map, key uint32) (id uint32) {
		if err := m.Lookup(key, &id); err != nil {
			return 0
		}
		return id
	}
	good, frozen, old, next := array(), array(), program(), program()
	if err := good.Put(uint32(0), old); err != nil {
		t.Fatal(err)
	}
	if err := frozen.Freeze(); err != nil {
		t.Fatal(err)
	}
	before := id(good, 0)
	slots := liveSlots{{"good", good, 0, next}, {"good", good, 1, next}, {"frozen", frozen, 0, next}}
	if err := slots.write(); err == nil || !strings.HasPrefix(err.Error(), "map frozen: set element 0: ") {
		t.Errorf("got %v", err)
	}
	if id(good, 0) != before || id(good, 1) != 0 {
		t.Errorf("slots are %d and %d, were %d and none", id(good, 0), id(good, 1), before)
	}
	if err := slots[:2].write(); err != nil {
		t.Fatal(err)
	}
	if id(good, 0) == before || id(good, 0) != id(good, 1) {
		t.Errorf("slots are %d and %d", id(good, 0), id(good, 1))
	}
}

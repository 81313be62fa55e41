package xdpload

import (
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestCommitFails: when the last step fails, the hook has again what it had, and
// no slot and no pin has changed.
func TestCommitFails(t *testing.T) {
	for _, tt := range []struct {
		name string
		typ  ebpf.ProgramType
		ours bool // a program of ours is on the hook before
	}{
		{"XDP, replacing", ebpf.XDP, true},
		{"XDP, first", ebpf.XDP, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, v1 := ns.Veth("v0", "v1")
			c := ns.Conn()
			root := DefaultRoot + "/" + ns.Name
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(root) })
			options := LoadOptions{Select: elf.Selector{Type: tt.typ}, Pins: PinOptions{Root: root}}
			object := func(name string) *elf.Object {
				obj, err := elf.Open(testobj.Path(t, name))
				if err != nil {
					t.Fatal(err)
				}
				return obj
			}
			hook := XDP{Ifindex: v0, Replace: true}
			other := hook
			if !tt.ours {
				other.Ifindex = v1
			}
			first, _, err := Install(t.Context(), c, object("live_drop.o"), options, other)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()

			options.Pins.Program = root + "/prog"
			l, err := Load(t.Context(), object("live_tx.o"), options)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Publish(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := first.Maps[0].Freeze(); err != nil {
				t.Fatal(err)
			}
			if _, err = l.attach(c, hook); err == nil || !strings.Contains(err.Error(), "map jmp: set element 0: ") {
				t.Errorf("got %v", err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(root + "/prog"); err == nil {
				t.Error("the program is pinned")
			}
			var now []uint32
			for a, err := range Attachments(c, v0) {
				if err != nil {
					t.Fatal(err)
				}
				now = append(now, a.Program.ID)
			}
			switch {
			case tt.ours && (len(now) != 1 || now[0] != first.Program().ID):
				t.Errorf("the device runs %v, not %d", now, first.Program().ID)
			case !tt.ours && len(now) != 0:
				t.Errorf("the device runs %v", now)
			}
		})
	}
}

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
		l, err := Load(t.Context(), obj, LoadOptions{Select: elf.Selector{Type: ebpf.XDP}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Program().prog
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

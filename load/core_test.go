package load

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestRelocate: with the few types of the kernel that a program names, its
// instructions become what they do with all types.
func TestRelocate(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	targets := allTypes(t)
	for _, tt := range []struct {
		object, section string
		plain, loads    bool
		own             bool // has numbers of its own types, which are those of the load
	}{
		{object: "core.o", section: "xdp", plain: true, loads: true},
		{object: "core_kinds.o", section: "xdp", plain: true, loads: true},
		{object: "core_kinds.o", section: "xdp/types", plain: true, loads: true},
		{object: "core_kinds.o", section: "xdp/enums", plain: true, loads: true},
		{object: "core_kinds.o", section: "xdp/local", plain: true, loads: true, own: true},
		{object: "core_kinds.o", section: "xdp/id", loads: true},
		{object: "core_kinds.o", section: "xdp/missing", plain: true},
		{object: "core_kinds.o", section: "xdp/value", plain: true},
	} {
		t.Run(tt.object+" "+tt.section, func(t *testing.T) {
			obj, err := elf.Open(testobj.Path(t, tt.object))
			if err != nil {
				t.Fatal(err)
			}
			selector := elf.Selector{Type: ebpf.XDP, Section: tt.section}
			linked, err := obj.Link(selector)
			if err != nil {
				t.Fatal(err)
			}
			types := loadTypes(linked.Spec, linked.CORE)
			defer types.close()
			for _, p := range linked.Spec.Programs {
				plain := types.programs[p.Name]
				if got := plain != nil; got != tt.plain {
					t.Fatalf("plain = %v, want %v", got, tt.plain)
				}
				if plain == nil || tt.own {
					continue
				}
				if diff := cmp.Diff(relocateAll(t, p, targets), raw(t, plain.insns)); diff != "" {
					t.Errorf("all types, few types (-, +):\n%s", diff)
				}
			}
			l, err := Load(t.Context(), obj, Options{Select: selector})
			if got := err == nil; got != tt.loads {
				t.Fatalf("loads = %v, want %v: %v", got, tt.loads, err)
			}
			if l != nil {
				l.Close()
			}
		})
	}
}

// allTypes are those of the kernel and of its modules.
func allTypes(t *testing.T) []*btf.Spec {
	t.Helper()
	cache := btf.NewCache()
	kernel, err := cache.Kernel()
	if err != nil {
		t.Fatal(err)
	}
	targets := []*btf.Spec{kernel}
	modules, err := cache.Modules()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, name := range modules {
		module, err := cache.Module(name)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, module)
	}
	return targets
}

// relocateAll is what cilium/ebpf makes of a program.
func relocateAll(t *testing.T, p *ebpf.ProgramSpec, targets []*btf.Spec) [][]byte {
	t.Helper()
	var types btf.Builder
	insns := append(asm.Instructions(nil), p.Instructions...)
	for i := range insns {
		relo := btf.CORERelocationMetadata(&insns[i])
		if relo == nil {
			continue
		}
		fixups, err := btf.CORERelocate([]*btf.CORERelocation{relo}, targets, nativeOrder(), types.Add)
		if err != nil {
			t.Fatal(err)
		}
		if err := fixups[0].Apply(&insns[i]); err != nil {
			t.Fatal(err)
		}
	}
	return raw(t, insns)
}

// raw is the instructions as the kernel gets them, maps apart.
func raw(t *testing.T, insns asm.Instructions) (out [][]byte) {
	t.Helper()
	for _, ins := range insns {
		if ins.IsLoadFromMap() {
			continue
		}
		var b bytes.Buffer
		if _, err := ins.Marshal(&b, nativeOrder()); err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	return out
}

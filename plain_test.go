package xdpload

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestPlain: what needs nothing of this kernel is loaded without cilium/ebpf,
// which would probe for a dozen features first.
func TestPlain(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, tt := range []struct {
		object  string
		section string
		plain   bool
	}{
		{"tiny.o", "", true},
		{"tiny_nobtf.o", "", true},
		{"count.o", "xdp", true},
		{"subprog.o", "xdp/both", true},
		{"core.o", "", true},
		{"externs.o", "xdp", false},
	} {
		t.Run(tt.object, func(t *testing.T) {
			obj, err := elf.Open(testobj.Path(t, tt.object))
			if err != nil {
				t.Fatal(err)
			}
			linked, err := obj.Link(elf.Selector{Type: ebpf.XDP, Section: tt.section})
			if err != nil {
				t.Fatal(err)
			}
			l := loader{obj: obj, spec: linked.Spec, pins: newPins(obj, ebpf.XDP, PinOptions{})}
			defer l.close()
			l.types = loadTypes(linked.Spec, linked.CORE)
			defer l.types.close()
			if err := l.createMaps(); err != nil {
				t.Fatal(err)
			}
			for _, p := range linked.Spec.Programs {
				plain := l.types.programs[p.Name]
				if got := plain != nil; got != tt.plain {
					t.Fatalf("plain = %v, want %v", got, tt.plain)
				}
				if !tt.plain {
					continue
				}
				prog, err := l.loadPlain(p, plain)
				if err != nil {
					t.Fatal(err)
				}
				prog.Close()
			}
		})
	}
}

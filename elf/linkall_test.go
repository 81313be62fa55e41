package elf_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
)

// TestLinkAll: several programs share maps, each has the kind that its section says, and what
// one of them enters by a tail call is of that one's kind, whichever was named first.
func TestLinkAll(t *testing.T) {
	type kind struct {
		Type   ebpf.ProgramType
		Attach ebpf.AttachType
		Flags  uint32
	}
	const frags = 1 << 5 // BPF_F_XDP_HAS_FRAGS
	for _, tt := range []struct {
		object   string
		programs []string
		kinds    map[string]kind
		entries  []elf.Entry
		maps     []string
	}{
		{
			object: "forward.o", programs: []string{"at_port", "to_cpu", "at_port", "on_cpu"},
			kinds: map[string]kind{
				"at_port": {ebpf.XDP, ebpf.AttachXDPDevMap, 0}, "to_cpu": {ebpf.XDP, ebpf.AttachXDP, 0}, "on_cpu": {ebpf.XDP, ebpf.AttachXDPCPUMap, 0},
			},
			entries: []elf.Entry{{Program: "at_port"}, {Program: "to_cpu"}, {Program: "on_cpu"}},
			maps:    []string{"cpus", "steps"},
		},
		{
			object: "tail.o", programs: []string{"alone", "tail0", "entry"},
			kinds: map[string]kind{
				"alone": {ebpf.XDP, ebpf.AttachXDP, 0},
				"entry": {ebpf.XDP, ebpf.AttachXDP, frags},
				"tail0": {ebpf.XDP, ebpf.AttachXDP, frags},
				"tail1": {ebpf.XDP, ebpf.AttachXDP, frags},
				"last":  {ebpf.XDP, ebpf.AttachXDP, frags},
			},
			entries: []elf.Entry{
				{Program: "alone"},
				{Program: "tail0", Arrays: []string{"jmp", "hexadecimal"}},
				{Program: "entry", Arrays: []string{"jmp", "hexadecimal"}},
			},
			maps: []string{"counts", "hexadecimal", "jmp"},
		},
	} {
		t.Run(tt.object, func(t *testing.T) {
			var all []elf.Selector
			for _, name := range tt.programs {
				all = append(all, elf.Selector{Program: name})
			}
			linked, err := read(t, tt.object).LinkAll(all)
			if err != nil {
				t.Fatal(err)
			}
			kinds := make(map[string]kind)
			for name, p := range linked.Spec.Programs {
				kinds[name] = kind{p.Type, p.AttachType, p.Flags}
			}
			if diff := cmp.Diff(tt.kinds, kinds); diff != "" {
				t.Errorf("programs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.entries, linked.Entries); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.maps, slices.Sorted(maps.Keys(linked.Spec.Maps))); diff != "" {
				t.Errorf("maps (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLinkAllOfOtherKinds: programs of two kinds cannot enter one tail program, though each
// of them can alone.
func TestLinkAllOfOtherKinds(t *testing.T) {
	o := read(t, "tail_kinds.o")
	xdp, tc := elf.Selector{Program: "from_xdp"}, elf.Selector{Program: "from_tc"}
	for _, s := range []elf.Selector{xdp, tc} {
		if _, err := o.Link(s); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
	_, err := o.LinkAll([]elf.Selector{xdp, tc})
	if _, ok := errors.AsType[*elf.FormatError](err); !ok || !strings.Contains(err.Error(), `"from_xdp" and "from_tc"`) {
		t.Errorf("got %v", err)
	}
}

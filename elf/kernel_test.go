package elf_test

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// XDP actions, include/uapi/linux/bpf.h.
const (
	xdpAborted = 0
	xdpDrop    = 1
	xdpPass    = 2
)

// The kernel takes what Spec makes of the fixtures, runs it, and the maps have
// the right values afterwards.
func TestKernelRunsSpecs(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	tests := []struct {
		object, program string
		action          uint32
		values          map[string]map[uint32]uint64 // map, key
	}{
		{"tiny.o", "xdp_pass", xdpPass, nil},
		{"tiny_nobtf.o", "xdp_pass", xdpPass, nil},
		{"machine0.o", "xdp_pass", xdpPass, nil},
		{"two.o", "xdp_abrt", xdpAborted, nil},
		{"optional.o", "xdp_optional", xdpDrop, nil},
		{"frags.o", "xdp_frags", xdpPass, nil},
		{"core.o", "xdp_core", xdpPass, nil},
		{"textonly.o", "xdp_twice", xdpPass, nil},
		{"textprog.o", "xdp_text", xdpPass, nil},
		{"printk.o", "xdp_printk", xdpPass, nil},
		{"count.o", "xdp_count", xdpPass, map[string]map[uint32]uint64{".bss": {0: 1}}},
		{"subprog.o", "xdp_global", xdpPass, map[string]map[uint32]uint64{"results": {0: 111, 1: 222}}},
		{"subprog.o", "xdp_static", xdpPass, map[string]map[uint32]uint64{"results": {0: 111, 1: 0}}},
		{"subprog.o", "xdp_both", xdpPass, map[string]map[uint32]uint64{"results": {0: 111, 1: 222}}},
		{"callback.o", "xdp_callback", xdpPass, map[string]map[uint32]uint64{".bss": {0: 22}}},
		{"legacy16.o", "xdp_legacy", xdpPass, map[string]map[uint32]uint64{"first": {0: 0, 3: 1}, "second": {3: 64}}},
		{"legacy20.o", "xdp_legacy", xdpPass, map[string]map[uint32]uint64{"first": {3: 1}, "second": {3: 64}}},
		{"legacy28_nobtf.o", "xdp_legacy", xdpPass, map[string]map[uint32]uint64{"first": {3: 1}, "second": {3: 64}}},
		{"legacy36_nobtf.o", "xdp_legacy", xdpPass, map[string]map[uint32]uint64{"first": {3: 1}, "second": {3: 64}}},
		{"mixed.o", "mixed", xdpPass, map[string]map[uint32]uint64{
			"long_def": {1: 1}, "short_def": {1: 1}, "static_def": {1: 2}, "static_btf": {1: 3},
		}},
		{"maps70.o", "maps70", xdpPass, map[string]map[uint32]uint64{"map50": {0: 1}, "map79": {0: 1}}},
		{"externs.o", "externs", xdpPass, nil},
		{"externs.o", "without", xdpPass, nil},
		{"kinds.o", "kinds", xdpPass, nil},
		{"annotated.o", "annotated", xdpPass, nil},
		{"pins.o", "pins", xdpPass, map[string]map[uint32]uint64{
			"by_none": {0: 1}, "by_object": {0: 1}, "by_global": {0: 1}, "by_number": {0: 1}, "by_name": {0: 1},
		}},
		{"common.o", "common", xdpPass, map[string]map[uint32]uint64{".bss": {0: 3 | 1<<32}}},
		{"tail.o", "entry", xdpPass, map[string]map[uint32]uint64{"counts": {0: 1}}},
		{"tail_nobtf.o", "entry", xdpPass, map[string]map[uint32]uint64{"counts": {0: 1}}},
		{"tailbtf.o", "entry", xdpPass, nil},
		{"mim.o", "mim", xdpPass, map[string]map[uint32]uint64{"inner": {0: 1}}},
		{"mim_nobtf.o", "mim", xdpPass, map[string]map[uint32]uint64{"inner": {0: 1}}},
		{"mimbtf.o", "mim", xdpPass, map[string]map[uint32]uint64{"inner_a": {0: 1}, "inner_b": {0: 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.object+" "+tt.program, func(t *testing.T) {
			bpftest.Need(t, bpftest.Fixture(tt.object)...)
			spec, err := read(t, tt.object).Spec(elf.Selector{Program: tt.program, Type: ebpf.XDP})
			if err != nil {
				t.Fatal(err)
			}
			c := load(t, spec)
			if got := run(t, c.Programs[tt.program]); got != tt.action {
				t.Errorf("action %d, want %d", got, tt.action)
			}
			for name, values := range tt.values {
				for key, want := range values {
					if got := value(t, c.Maps[name], key); got != want {
						t.Errorf("%s[%d] = %#x, want %#x", name, key, got, want)
					}
				}
			}
		})
	}
}

// What Set writes is what the program reads.
func TestKernelReadsSetVariables(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	o := read(t, "globals.o")
	spec, err := o.Spec(elf.Selector{Program: "globals", Type: ebpf.XDP})
	if err != nil {
		t.Fatal(err)
	}
	for variable, v := range map[string]string{
		"enabled": "true", "byte": "1", "negative": "0", "wide": "1000", "mode": "MODE_OFF", "name": "",
		"ports[3]": "200", "config.limit": "30", "hidden_limit": "4", "total": "0",
	} {
		if err := o.Set(spec, variable, v); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, spec)
	if got := run(t, c.Programs["globals"]); got != xdpPass {
		t.Errorf("action %d", got)
	}
	var total uint64
	if err := c.Variables["total"].Get(&total); err != nil {
		t.Fatal(err)
	}
	if want := uint64(1 + 1000 + 1 + 200 + 30 + 4); total != want {
		t.Errorf("total %d, want %d", total, want)
	}
}

func load(t *testing.T, spec *ebpf.CollectionSpec) *ebpf.Collection {
	t.Helper()
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(c.Close)
	return c
}

func run(t *testing.T, p *ebpf.Program) uint32 {
	t.Helper()
	action, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	return action
}

// value returns the first bytes of an entry as a number.
func value(t *testing.T, m *ebpf.Map, key uint32) uint64 {
	t.Helper()
	b, err := m.LookupBytes(key)
	if err != nil || b == nil {
		t.Fatalf("%v key %d: %v, %v", m, key, b, err)
	}
	var n uint64
	for i := min(len(b), 8) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// TestKernelTakesPartialInfo: functions that were compiled without debug information are
// called by programs that were compiled with it.
func TestKernelTakesPartialInfo(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	b := testobj.Bytes("subprog.o")
	for _, s := range read(t, "subprog.o").Sections() {
		if s.Name == ".BTF" { // has the names of the sections that .BTF.ext is about
			at := bytes.Index(b[s.Offset:], []byte("\x00.text\x00"))
			b[int(s.Offset)+at+1] = '-'
		}
	}
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := o.Spec(elf.Selector{Program: "xdp_both", Type: ebpf.XDP})
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, spec)
	if got := run(t, c.Programs["xdp_both"]); got != xdpPass {
		t.Errorf("action %d", got)
	}
	if got := value(t, c.Maps["results"], 1); got != 222 {
		t.Errorf("result %d", got)
	}
}

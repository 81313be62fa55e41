package load_test

import (
	"encoding/json"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// An entry is what a map has after one packet of 60 bytes, as JSON.
type entry struct{ name, key, value string }

// TestObjects attaches an object in every style to the loopback device, which
// has no traffic of its own, has the kernel run it on one packet, and looks at
// the verdict and at what the program has written.
func TestObjects(t *testing.T) {
	xdp := func(section string) elf.Selector { return elf.Selector{Section: section, Type: ebpf.XDP} }
	tc := func(section string) elf.Selector { return elf.Selector{Section: section, Type: ebpf.SchedCLS} }
	counted := []entry{{"stats", "0", `{"packets":1,"bytes":60}`}, {".bss", "0", `{"total":1}`}, {".data", "0", `{"step":1}`}}
	legacy := []entry{{"first", "0x03000000", `"0x0100000000000000"`}, {"second", "0x03000000", `"0x3c000000"`}}
	one, nested := `"0x01000000"`, []entry{{"results", "0", "111"}, {"results", "1", "222"}}
	for _, tt := range []struct {
		object  string
		sel     elf.Selector
		verdict uint32
		maps    []entry
	}{
		// One program, sections and names.
		{object: "tiny.o", sel: xdp(""), verdict: 2},
		{object: "tiny_nobtf.o", sel: xdp(""), verdict: 2},
		{object: "machine0.o", sel: xdp(""), verdict: 2},
		{object: "drop.o", sel: xdp(""), verdict: 1},
		{object: "frags.o", sel: xdp("xdp.frags"), verdict: 2},
		{object: "two.o", sel: xdp(""), verdict: 2},
		{object: "two.o", sel: xdp("xdp"), verdict: 1},
		{object: "two_nobtf.o", sel: xdp("xdp/abrt"), verdict: 0},
		{object: "optional.o", sel: elf.Selector{Program: "xdp_optional", Type: ebpf.XDP}, verdict: 1},
		{object: "textprog.o", sel: xdp(".text"), verdict: 2},
		{object: "printk.o", sel: xdp(""), verdict: 2},
		{object: "tc.o", sel: tc(""), verdict: 0},
		{object: "tc.o", sel: tc("tc"), verdict: 2},
		{object: "tc_nobtf.o", sel: tc("classifier"), verdict: 0},

		// Functions in .text.
		{object: "subprog.o", sel: xdp("xdp"), verdict: 2, maps: nested},
		{object: "subprog.o", sel: xdp("xdp/both"), verdict: 2, maps: nested},
		{object: "textonly.o", sel: xdp(""), verdict: 2},
		{object: "callback.o", sel: xdp(""), verdict: 2, maps: []entry{{".bss", "0", `{"sum":22}`}}},

		// Global variables.
		{object: "count.o", sel: xdp("xdp"), verdict: 2, maps: counted},
		{object: "count.o", sel: xdp("xdp/plain"), verdict: 2},
		{object: "globals.o", sel: xdp("xdp"), verdict: 1},
		{object: "globals_nobtf.o", sel: xdp("xdp"), verdict: 1},
		{object: "common.o", sel: xdp(""), verdict: 2},
		{object: "bss_named.o", sel: xdp(""), verdict: 2, maps: []entry{{".bss.counters", "0", `{"packets":3}`}}},

		// Names of the kernel.
		{object: "externs.o", sel: xdp("xdp"), verdict: 2},
		{object: "externs_typed.o", sel: xdp("xdp"), verdict: 2},
		{object: "kernel_names.o", sel: xdp("xdp"), verdict: 2},

		// struct bpf_elf_map in every size.
		{object: "legacy16.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy16_nobtf.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy20.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy20_nobtf.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy28.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy28_nobtf.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy36.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "legacy36_nobtf.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "held.o", sel: xdp("xdp"), verdict: 2},
		{object: "maps_wide.o", sel: xdp(""), verdict: 2, maps: legacy},
		{object: "mixed.o", sel: xdp(""), verdict: 2, maps: []entry{
			{"long_def", "0x01000000", `"0x0100000000000000"`}, {"short_def", "0x01000000", one}, {"static_def", "0x01000000", `"0x02000000"`}, {"static_btf", "1", "3"},
		}},
		{object: "maps70.o", sel: xdp(""), verdict: 2, maps: []entry{{"map50", "0x00000000", one}, {"map79", "0x00000000", one}}},
		{object: "maps70_nobtf.o", sel: xdp(""), verdict: 2, maps: []entry{{"map65", "0x00000000", one}}},
		{object: "annotated.o", sel: xdp(""), verdict: 2, maps: []entry{{"flows", `{"source":1,"target":2}`, "3"}}},
		{object: "trie.o", sel: xdp(""), verdict: 2},
		{object: "percpu.o", sel: xdp(""), verdict: 2, maps: []entry{{"flows", `{"source":"192.0.2.1","port":80,"proto":6}`, `{"packets":1,"bytes":60}`}}},
		{object: "kinds.o", sel: xdp(""), verdict: 2},

		// Tail calls.
		{object: "tail.o", sel: xdp("xdp.frags"), verdict: 2, maps: []entry{{"counts", "0x00000000", one}}},
		{object: "tail_nobtf.o", sel: xdp("xdp.frags"), verdict: 2, maps: []entry{{"counts", "0x00000000", one}}},
		{object: "tailbtf.o", sel: xdp("xdp"), verdict: 2},
		{object: "tail_none.o", sel: tc(""), verdict: 2},
		{object: "tail_empty.o", sel: xdp("xdp"), verdict: 2},
		{object: "tail_self.o", sel: xdp(""), verdict: 2, maps: []entry{{".bss", "0", `{"calls":34}`}}},
		{object: "live_drop.o", sel: xdp("xdp"), verdict: 1},
		{object: "live_tx.o", sel: xdp("xdp"), verdict: 3},
		{object: "live_tc.o", sel: tc(""), verdict: 2},

		// Maps of maps.
		{object: "mim.o", sel: xdp(""), verdict: 2, maps: []entry{{"inner", "0x00000000", one}}},
		{object: "mim_nobtf.o", sel: xdp(""), verdict: 2, maps: []entry{{"inner", "0x00000000", one}}},
		{object: "mimbtf.o", sel: xdp(""), verdict: 2, maps: []entry{{"inner_a", "0", "1"}, {"inner_b", "0", "0"}}},
		{object: "outer8.o", sel: xdp(""), verdict: 2, maps: []entry{{"inner", "0x02000000", `"0x0900000000000000"`}}},
		{object: "outer16.o", sel: xdp(""), verdict: 2, maps: []entry{{"inner", "0x02000000", `"0x09000000000000000000000000000000"`}}},

		// Pins.
		{object: "shared_xdp.o", sel: xdp(""), verdict: 2, maps: []entry{{"shared", "0x00000000", `"0x0100000000000000"`}}},
		{object: "shared_tc.o", sel: tc("tc"), verdict: 0, maps: []entry{{"shared", "0", "100"}}},
		{object: "pin_devmap.o", sel: xdp(""), verdict: 1},
		{object: "table16.o", sel: xdp(""), verdict: 2},
	} {
		t.Run(tt.object+" "+tt.sel.Section, func(t *testing.T) {
			bpftest.Need(t, bpftest.Fixture(tt.object)...)
			b := lab.NewBench(t)
			var hook attach.Hook = attach.XDP{Ifindex: 1}
			if tt.sel.Type == ebpf.SchedCLS {
				hook = attach.Clsact{Filter: netlink.Filter{Ifindex: 1, Parent: netlink.Ingress, BPF: &netlink.BPFFilter{Name: tt.object, Direct: true}}}
			}
			l, err := b.Try(tt.object, load.Options{Select: tt.sel}, hook)
			if err != nil {
				t.Fatal(err)
			}
			if got := run(t, l.Program().ID); got != tt.verdict {
				t.Errorf("verdict %d, want %d", got, tt.verdict)
			}
			for _, want := range tt.maps {
				want.check(t, lab.MapOf(t, l, want.name))
			}
			b.Exit(l)
			b.Detach(hook)
		})
	}
}

// check compares an entry; of a value for each CPU it is the sum.
func (want entry) check(t *testing.T, m *load.Map) {
	t.Helper()
	d, err := mapdata.New(m.Map, mapdata.Names{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Get(want.key)
	if err != nil {
		t.Errorf("%s: %v", want.name, err)
		return
	}
	text, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Value, Sum json.RawMessage }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if got.Sum != nil {
		got.Value = got.Sum
	}
	if string(got.Value) != want.value {
		t.Errorf("%s[%s] is %s, want %s", want.name, want.key, got.Value, want.value)
	}
}

// What a program's exception callback returns is its verdict.
func TestException(t *testing.T) {
	bpftest.Need(t, bpftest.Fixture("exception.o")...)
	b := lab.NewBench(t)
	l, err := b.Try("exception.o", load.Options{Select: elf.Selector{Program: "throwing", Type: ebpf.XDP}}, b.Hook)
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, l.Program().ID); got != 3 {
		t.Errorf("verdict %d, want 3", got)
	}
	b.Exit(l)
	b.Detach(b.Hook)
}

// TestObjectsOfOtherMachines: big-endian objects are refused by name.
func TestObjectsOfOtherMachines(t *testing.T) {
	b := lab.NewBench(t)
	if _, err := b.Try("tiny_be.o", load.Options{}, b.Hook); err == nil {
		t.Error("an object of the other byte order was loaded")
	}
}

// run has the kernel run the program with an id on one packet.
func run(t *testing.T, id uint32) uint32 {
	t.Helper()
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ret, _, err := p.Test(bpftest.Frame(1))
	if err != nil {
		t.Fatal(err)
	}
	return ret
}

package load_test

import (
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
)

func TestLoadVariables(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("globals.o", load.Options{Select: elf.Selector{Section: "xdp"}, Variables: []load.Variable{
		{Name: "enabled", Value: "true"},
		{Name: "config.limit", Value: "0x20"},
		{Name: "host4", Value: "192.0.2.1"},
		{Name: "mode", Value: "MODE_ENFORCE"},
		{Name: "ports[3]", Value: "8080"},
	}})
	if got := run(t, l.Program().ID); got != 2 {
		t.Errorf("verdict %d, want XDP_PASS", got)
	}
	var total uint64
	if err := lab.MapOf(t, l, ".bss").Lookup(uint32(0), &total); err == nil && total == 0 {
		t.Error("the program has counted nothing")
	}
	for _, tt := range []struct{ name, value, want string }{
		{"nosuch", "1", `no such variable`},
		{"byte", "256", `does not fit`},
	} {
		_, err := b.Try("globals.o", load.Options{Select: elf.Selector{Section: "xdp"}, Variables: []load.Variable{{Name: tt.name, Value: tt.value}}}, b.Hook)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestLoadMapOptions(t *testing.T) {
	b := lab.NewBench(t)
	first := b.Install("percpu.o", load.Options{Maps: []load.MapOption{{Name: "flows", MaxEntries: 99}}, Pins: load.PinOptions{Maps: b.Root + "/mine", Program: b.Root + "/mine/prog"}})
	flows := lab.MapOf(t, first, "flows")
	if flows.MaxEntries() != 99 || flows.Pin != b.Root+"/mine/flows" || flows.Reused {
		t.Errorf("flows is %+v with %d entries", flows, flows.MaxEntries())
	}
	b.WantPins("mine/flows", "mine/prog")
	same := []load.MapOption{{Name: "flows", MaxEntries: 99}}
	for _, tt := range []struct {
		name string
		o    load.Options
		want string // an error, or the same map if empty
	}{
		{name: "pinned", o: load.Options{Maps: append(same, load.MapOption{Name: "flows", Pinned: flows.Pin})}},
		{name: "id", o: load.Options{Maps: append(same, load.MapOption{Name: "flows", ID: flows.ID})}},
		{name: "directory", o: load.Options{Maps: same, Pins: load.PinOptions{Maps: b.Root + "/mine"}}},
		{name: "other size", o: load.Options{Maps: []load.MapOption{{Name: "flows", ID: flows.ID}}}, want: "max_entries is 16 in the object, 99 in the pinned map"},
		{name: "other size, pinned", o: load.Options{Maps: []load.MapOption{{Name: "flows", Pinned: flows.Pin}}}, want: "max_entries is 16 in the object, 99 in the pinned map"},
		{name: "no such map", o: load.Options{Maps: []load.MapOption{{Name: "flow", ID: 1}}}, want: "map flow: the program uses no such map; it uses flows"},
		{name: "mismatch of none", o: load.Options{Pins: load.PinOptions{OnMismatch: load.MismatchRecreate}}, want: "on-mismatch recreate: the program uses no map that is pinned"},
		{name: "no such id", o: load.Options{Maps: []load.MapOption{{Name: "flows", ID: 1 << 30}}}, want: "map flows: id 1073741824: "},
		{name: "no such pin", o: load.Options{Maps: []load.MapOption{{Name: "flows", Pinned: b.Root + "/nope"}}}, want: "map flows: open pin " + b.Root + "/nope: no such file"},
		{name: "program's path is taken", o: load.Options{Pins: load.PinOptions{Program: b.Root + "/mine/prog"}}, want: "pin " + b.Root + "/mine/prog: file already exists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := b.Attached(b.Hook)
			l, err := b.Try("percpu.o", tt.o, b.Hook)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if m := lab.MapOf(t, l, "flows"); m.ID != flows.ID || !m.Reused {
					t.Errorf("map %d, want %d", m.ID, flows.ID)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if after := b.Attached(b.Hook); after != before {
				t.Errorf("program %d is attached, was %d", after, before)
			}
			b.WantPins("mine/flows", "mine/prog")
		})
	}
}

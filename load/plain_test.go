package load

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// nothing stands for an object of which no program loads.
const nothing = "nothing loads"

// detours are the fixtures whose programs and maps are not all loaded by a plain
// call, and why: with those of the other byte order, of which nothing loads, they
// are all that are not.
var detours = map[string][]string{
	// What needs more of the kernel.
	"core_kinds.o": {"core_missing: refused", "core_value: refused", "program core_id: " + errAllTypes.Error()},

	"fentry.o":       {nothing},
	"freplace.o":     {nothing},
	"stream.o":       {nothing},
	"kernel_names.o": {"program weak_names: " + errKfunc.Error()},

	// Maps whose size or content is the machine's.
	"forward.o": {
		"at_port: refused", "on_cpu: refused", // they run on no hook
		"map cpus: " + errNotPlain.Error(), "map ports: create map ports: errno 524", // it has types
	},
	"card.o":           {"map events: " + errNotPlain.Error()},
	"events.o":         {"map heads: " + errNotPlain.Error(), "map samples: " + errNotPlain.Error()},
	"kinds.o":          {"map bloom: " + errNotPlain.Error(), "map events: " + errNotPlain.Error()},
	"migrate_after.o":  {"map outer: " + errNotPlain.Error()},
	"migrate_before.o": {"map outer: " + errNotPlain.Error()},
	"mim.o":            {"map outer: " + errNotPlain.Error(), "map outer_hash: " + errNotPlain.Error()},
	"mim_nobtf.o":      {"map outer: " + errNotPlain.Error(), "map outer_hash: " + errNotPlain.Error()},
	"mimbtf.o":         {"map outer: " + errNotPlain.Error(), "map outer_hash: " + errNotPlain.Error()},
	"nfp_ok3.o":        {"map events: " + errNotPlain.Error()},
	"nfp_rule11.o":     {"map events: " + errNotPlain.Error()},
	"outer16.o":        {"map outer: " + errNotPlain.Error()},
	"outer8.o":         {"map outer: " + errNotPlain.Error()},
	"pin_devmap.o":     {"map events: " + errNotPlain.Error()},
	"types_refused.o":  {"map events: " + errNotPlain.Error(), "types_rejected: refused"},

	// What cannot be loaded: for no hook, wrong, or without what describes its maps.
	"callback_nobtf.o": {nothing},
	"count_nobtf.o":    {"xdp_count: refused"},
	"cpumap.o":         {nothing},
	"devmap.o":         {nothing},
	"hugelog.o":        {nothing},
	"kernel_absent.o":  {nothing},
	"live_rejected.o":  {nothing},
	"mim_fault1.o":     {nothing},
	"mim_fault2.o":     {nothing},
	"mim_fault3.o":     {nothing},
	"mixed_nobtf.o":    {nothing},
	"pins_nobtf.o":     {nothing},
	"rejected.o":       {nothing},
	"rxhash.o":         {nothing}, // for no device
	"stripped.o":       {nothing},
	"subprog_nobtf.o":  {nothing},
	"tail_fault1.o":    {nothing},
	"tail_fault2.o":    {"entry: refused", "last: refused", "tail0: refused", "alone: refused"},
	"tail_fault3.o":    {nothing},
	"trials.o":         {"bad_null: refused", "bad_read: refused"},
	"undefined.o":      {"xdp_bad: refused", "xdp_same_section: refused"},
}

// TestPlain: what cilium/ebpf would load after a plain call was refused hides a
// fault of ours. So it is told of each fixture what went which way.
func TestPlain(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, name := range testobj.Names() {
		t.Run(name, func(t *testing.T) {
			bpftest.Need(t, bpftest.Fixture(name)...)
			want := slices.Sorted(slices.Values(detours[name]))
			if strings.HasSuffix(name, "_be.o") {
				want = []string{nothing}
			}
			if diff := cmp.Diff(want, detoursOf(t, name)); diff != "" {
				t.Errorf("not loaded by a plain call (-want +got):\n%s", diff)
			}
		})
	}
}

// detoursOf loads every program of a fixture by itself.
func detoursOf(t *testing.T, name string) (all []string) {
	bpftest.NoLeaks(t)
	obj, err := elf.Open(testobj.Path(t, name))
	if err != nil {
		return []string{nothing}
	}
	loads := false
	programs := obj.Programs()
	if len(programs) == 0 {
		programs = obj.Subprograms()
	}
	for _, p := range programs {
		if p.AttachTo != "" || p.Name == "typed" || p.Name == "xdp_stream" {
			continue // to a function, which not every machine lets be traced, or to a program that is not there; or a
			// variable whose address, or a function that not every kernel has
		}
		if p.Type == ebpf.UnspecifiedProgram { // the hook decides
			p.Type = ebpf.XDP
		}
		l, err := Load(t.Context(), obj, Options{
			Select: elf.Selector{Section: p.Section, Program: p.Name, Type: p.Type, Force: true},
			Pins:   PinOptions{Off: true},
		})
		if err != nil {
			all = append(all, p.Name+": refused")
			continue
		}
		loads = true
		for _, d := range l.detours {
			all = append(all, d.Error())
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if !loads {
		return []string{nothing}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestDetour: what the kernel will not make with the object's types, as an older
// one does not know them all, cilium/ebpf makes without, and fills.
func TestDetour(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	obj, err := elf.Open(testobj.Path(t, "globals.o"))
	if err != nil {
		t.Fatal(err)
	}
	l := loader{obj: obj, options: Options{Select: elf.Selector{Section: "xdp", Type: ebpf.XDP}}}
	if err := l.specify(); err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.types = loadTypes(l.spec, l.core)
	l.types.close()
	l.types.err = unix.EINVAL
	if err := l.createMaps(); err != nil {
		t.Fatal(err)
	}
	if err := l.loadPrograms(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := l.maps[".rodata"].LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	if want := l.spec.Maps[".rodata"].Contents[0].Value.([]byte); !bytes.Equal(got, want) {
		t.Errorf("constants are % x, want % x", got, want)
	}
	if len(l.detours) != len(l.maps)+len(l.programs) {
		t.Errorf("%d maps and %d programs, of which cilium/ebpf made %d", len(l.maps), len(l.programs), len(l.detours))
	}
}

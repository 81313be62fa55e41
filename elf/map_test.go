package elf_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// ignoreTypes leaves the BTF of maps to tests of their own.
var ignoreTypes = cmpopts.IgnoreFields(elf.Map{}, "Key", "Value", "Offset")

func TestMaps(t *testing.T) {
	legacy := func(flags uint32) []elf.Map {
		return []elf.Map{
			{Name: "first", Section: "maps", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4},
			{Name: "second", Section: "maps", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 8, Flags: flags},
		}
	}
	tests := []struct {
		object string
		want   []elf.Map
	}{
		{"tiny.o", nil},
		{"legacy16.o", legacy(0)},
		{"legacy16_nobtf.o", legacy(0)},
		{"legacy20_nobtf.o", legacy(1)},
		{"legacy28_nobtf.o", legacy(1)},
		{"legacy36.o", legacy(1)},
		{"legacy36_be.o", legacy(1)},
		{"count.o", countMaps()},
		{"count_be.o", countMaps()},
	}
	for _, tt := range tests {
		t.Run(tt.object, func(t *testing.T) {
			got, err := read(t, tt.object).Maps()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, ignoreTypes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func countMaps() []elf.Map {
	const readOnly = 1 << 7
	data := func(name string, size, flags uint32) elf.Map {
		return elf.Map{
			Name: name, Section: name, Style: elf.StyleData,
			Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1, Flags: flags,
		}
	}
	return []elf.Map{
		data(".rodata", 4, readOnly),
		data(".data", 4, 0),
		{Name: "stats", Section: ".maps", Style: elf.StyleBTF, Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 16, MaxEntries: 1},
		{Name: "unused", Section: ".maps", Style: elf.StyleBTF, Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16},
		data(".bss", 8, 0),
	}
}

func TestMapTypes(t *testing.T) {
	m, err := read(t, "count.o").Map("stats")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := btf.UnderlyingType(m.Key).(*btf.Int); !ok || got.Size != 4 {
		t.Errorf("key %v", m.Key)
	}
	if got, ok := m.Value.(*btf.Struct); !ok || got.Name != "counters" {
		t.Errorf("value %v", m.Value)
	}
}

func TestMapKinds(t *testing.T) {
	want := []elf.Map{
		{Name: "plain", Section: ".maps", Style: elf.StyleBTF, Type: ebpf.Hash, KeySize: 6, ValueSize: 12, MaxEntries: 8, Flags: 4},
		{Name: "bloom", Section: ".maps", Style: elf.StyleBTF, Type: ebpf.BloomFilter, ValueSize: 4, MaxEntries: 100, Extra: 3},
		{Name: "events", Section: ".maps", Style: elf.StyleBTF, Type: ebpf.RingBuf, MaxEntries: 4096},
	}
	got, err := read(t, "kinds.o").Maps()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, ignoreTypes); diff != "" {
		t.Error(diff)
	}
}

func TestMapStyleText(t *testing.T) {
	for style, want := range map[elf.MapStyle]string{elf.StyleLegacy: "legacy", elf.StyleBTF: "btf", elf.StyleData: "data", 9: "9"} {
		if text, err := style.MarshalText(); err != nil || string(text) != want {
			t.Errorf("style %d: %q, %v", style, text, err)
		}
	}
}

// TestMapTail: a definition of another loader is read if it says nothing of its own.
func TestMapTail(t *testing.T) {
	want := elf.Map{Name: "first", Section: "maps/first", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	got, err := read(t, "maps_wide.o").Map("first")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, ignoreTypes); diff != "" {
		t.Error(diff)
	}
	b := testobj.Bytes("maps_wide.o")
	sections := read(t, "maps_wide.o").Sections()
	i := slices.IndexFunc(sections, func(s elf.Section) bool { return s.Name == "maps/first" })
	b[sections[i].Offset+279] = 'x'
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Map("first"); err == nil || !strings.HasSuffix(err.Error(), `map "first": a structure of 280 bytes, larger than the 36 of struct bpf_elf_map, says more than its first 20`) {
		t.Errorf("error %v", err)
	}
}

func TestMapErrors(t *testing.T) {
	tests := []struct {
		object, name string
		want         string
	}{
		{"tiny.o", "nosuch", `tiny.o: no map "nosuch"`},
		{"count_nobtf.o", "stats", `count_nobtf.o: section ".maps": map "stats": no BTF to describe it: compile with clang -g`},
	}
	for _, tt := range tests {
		t.Run(tt.object, func(t *testing.T) {
			_, err := read(t, tt.object).Map(tt.name)
			if _, ok := errors.AsType[*elf.FormatError](err); !ok || err.Error() != tt.want {
				t.Errorf("error %T %v", err, err)
			}
		})
	}
}

// One map that cannot be read does not hide the others.
func TestMapsPartly(t *testing.T) {
	maps, err := read(t, "count_nobtf.o").Maps()
	if err == nil || strings.Count(err.Error(), "no BTF") != 2 {
		t.Errorf("error %v", err)
	}
	if len(maps) != 3 {
		t.Errorf("%d maps", len(maps))
	}
}

func TestPinningText(t *testing.T) {
	tests := []struct {
		pinning elf.Pinning
		text    string
		custom  bool
	}{
		{elf.PinNone, "none", false},
		{elf.PinObject, "object", false},
		{elf.PinGlobal, "global", false},
		{elf.PinByName, "name", false},
		{0x63, "99", true},
	}
	for _, tt := range tests {
		text, err := tt.pinning.MarshalText()
		if err != nil || string(text) != tt.text {
			t.Errorf("%d: text %q, %v", tt.pinning, text, err)
		}
		var back elf.Pinning
		if err := back.UnmarshalText(text); err != nil || back != tt.pinning {
			t.Errorf("%q: pinning %d, %v", text, back, err)
		}
		if got := tt.pinning.Custom(); got != tt.custom {
			t.Errorf("%q: custom %v", text, got)
		}
	}
	if err := new(elf.Pinning).UnmarshalText([]byte("nowhere")); err == nil {
		t.Error("no error")
	}
}

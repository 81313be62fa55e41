package elf_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xdpload/xdpload/elf"
)

func TestTailCalls(t *testing.T) {
	legacy := []elf.TailCall{
		{Map: "jmp", Key: 0, Program: "tail0", Section: "7/0"},
		{Map: "jmp", Key: 1, Program: "tail1", Section: "7/1"},
		{Map: "hexadecimal", Key: 0, Program: "last", Section: "0xabccba/0"},
	}
	initial := []elf.TailCall{
		{Map: "jmp", Key: 0, Program: "first", Section: ".maps"},
		{Map: "jmp", Key: 2, Program: "third", Section: ".maps"},
	}
	tests := []struct {
		object string
		want   []elf.TailCall
	}{
		{"tail.o", legacy},
		{"tail_nobtf.o", legacy},
		{"tail_be.o", legacy},
		{"tailbtf.o", initial},
		{"tailbtf_be.o", initial},
		{"tiny.o", nil},
	}
	for _, tt := range tests {
		t.Run(tt.object, func(t *testing.T) {
			got, err := read(t, tt.object).TailCalls()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The tail programs come with the program, and as its equals: the kernel wants
// one type, attach type and frags flag in a program array.
func TestSpecWithTailCalls(t *testing.T) {
	const frags = 1 << 5
	tests := []struct {
		object string
		sel    elf.Selector
		flags  uint32
		attach ebpf.AttachType
		progs  []string
		slots  map[string][]ebpf.MapKV
	}{
		{
			"tail.o",
			elf.Selector{Program: "entry", Type: ebpf.XDP},
			frags, ebpf.AttachXDP,
			[]string{"entry", "last", "tail0", "tail1"},
			map[string][]ebpf.MapKV{
				"jmp":         {{Key: uint32(0), Value: "tail0"}, {Key: uint32(1), Value: "tail1"}},
				"hexadecimal": {{Key: uint32(0), Value: "last"}},
			},
		},
		{
			"tail.o",
			elf.Selector{Section: "xdp.frags", Type: ebpf.SchedCLS, Force: true},
			0, ebpf.AttachNone,
			[]string{"entry", "last", "tail0", "tail1"},
			nil,
		},
		{
			"tail.o",
			elf.Selector{Program: "last", Type: ebpf.XDP},
			0, ebpf.AttachNone,
			[]string{"last"},
			nil,
		},
		{
			"tailbtf.o",
			elf.Selector{Section: "xdp", Type: ebpf.XDP},
			0, ebpf.AttachXDP,
			[]string{"entry", "first", "third"},
			map[string][]ebpf.MapKV{"jmp": {{Key: uint32(0), Value: "first"}, {Key: uint32(2), Value: "third"}}},
		},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.object, " ", tt.sel), func(t *testing.T) {
			spec, err := read(t, tt.object).Spec(tt.sel)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.progs, slices.Sorted(maps.Keys(spec.Programs))); diff != "" {
				t.Error(diff)
			}
			for name, p := range spec.Programs {
				if p.Type != tt.sel.Type || p.Flags != tt.flags || p.AttachType != tt.attach {
					t.Errorf("%s: type %s, flags %#x, attach type %s", name, p.Type, p.Flags, p.AttachType)
				}
			}
			for name, want := range tt.slots {
				if diff := cmp.Diff(want, spec.Maps[name].Contents); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func TestSpecWithNamedTails(t *testing.T) {
	o := read(t, "tail.o")
	spec, err := o.Spec(elf.Selector{Program: "entry"}, elf.TailCall{Map: "jmp", Key: 1, Program: "alone"})
	if err != nil {
		t.Fatal(err)
	}
	want := []ebpf.MapKV{{Key: uint32(0), Value: "tail0"}, {Key: uint32(1), Value: "alone"}}
	if diff := cmp.Diff(want, spec.Maps["jmp"].Contents); diff != "" {
		t.Error(diff)
	}
	if spec.Programs["alone"] == nil {
		t.Error("the named program is missing")
	}
}

// What cannot be filled is never left out in silence.
func TestTailCallErrors(t *testing.T) {
	tests := []struct {
		object  string
		program string
		tail    []elf.TailCall
		want    string
	}{
		{"tail_fault1.o", "entry", nil, `tail_fault1.o: section "7/0": tail call to map 7 key 0: no map has the id 7`},
		{"tail_fault1.o", "alone", nil, `tail_fault1.o: section "7/0": tail call to map 7 key 0: no map has the id 7`},
		{"tail_fault2.o", "entry", nil, `tail_fault2.o: section "7/1": tail call to map 7 key 1: map "jmp" has 1 entries`},
		{"tail_fault3.o", "entry", nil, `tail_fault3.o: section "7/0": tail call to map 7 key 0: map "jmp" is of type array, not a program array`},
		{"tail.o", "entry", []elf.TailCall{{Map: "jmp", Key: 3, Program: "alone"}}, `tail.o: section "maps": tail call to map "jmp" key 3: it has 3 entries`},
		{"tail.o", "entry", []elf.TailCall{{Map: "counts", Program: "alone"}}, `tail.o: section "maps": tail call to map "counts" key 0: it is of type array, not a program array`},
		{"tail.o", "alone", []elf.TailCall{{Map: "jmp", Program: "tail0"}}, ""},
		{"tail.o", "alone", []elf.TailCall{{Map: "nosuch", Program: "alone"}}, `tail.o: tail call to map "nosuch" key 0: the program refers to no such map`},
		{"tail.o", "entry", []elf.TailCall{{Map: "jmp", Program: "nosuch"}}, `tail.o: no program "nosuch"; it has entry (section xdp.frags)`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			_, err := read(t, tt.object).Spec(elf.Selector{Program: tt.program}, tt.tail...)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMapInMap(t *testing.T) {
	inner := func(name, section string, style elf.MapStyle) *elf.Map {
		return &elf.Map{Name: name, Section: section, Style: style, Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 2}
	}
	legacyInner, template := inner("inner", "maps", elf.StyleLegacy), inner("template", "maps", elf.StyleLegacy)
	legacyInner.ID, legacyInner.InnerIndex = 42, 1
	template.ID, template.InnerIndex = 43, -1
	tests := []struct {
		object, name string
		inner        *elf.Map
		contents     []elf.Slot
	}{
		{"mim.o", "outer", legacyInner, []elf.Slot{{Key: 1, Name: "inner"}}},
		{"mim_nobtf.o", "outer", legacyInner, []elf.Slot{{Key: 1, Name: "inner"}}},
		{"mim.o", "outer_hash", template, nil},
		{"mimbtf.o", "outer", inner("outer.inner", ".maps", elf.StyleBTF), []elf.Slot{{Key: 1, Name: "inner_a"}, {Key: 3, Name: "inner_b"}}},
		{"mimbtf_be.o", "outer", inner("outer.inner", ".maps", elf.StyleBTF), []elf.Slot{{Key: 1, Name: "inner_a"}, {Key: 3, Name: "inner_b"}}},
		{"mimbtf.o", "outer_hash", inner("outer_hash.inner", ".maps", elf.StyleBTF), []elf.Slot{{Key: 0, Name: "inner_b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.object+" "+tt.name, func(t *testing.T) {
			m, err := read(t, tt.object).Map(tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.inner, m.Inner, ignoreTypes); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.contents, m.Contents); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSpecWithMapInMap(t *testing.T) {
	tests := []struct {
		object string
		maps   []string
	}{
		{"mim.o", []string{"inner", "outer", "outer_hash"}}, // a template is no map of its own
		{"mimbtf.o", []string{"inner_a", "inner_b", "outer", "outer_hash"}},
	}
	for _, tt := range tests {
		spec, err := read(t, tt.object).Spec(elf.Selector{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.maps, slices.Sorted(maps.Keys(spec.Maps))); diff != "" {
			t.Errorf("%s: %s", tt.object, diff)
		}
		if m := spec.Maps["outer"]; m.InnerMap == nil || m.InnerMap.MaxEntries != 2 || len(m.Contents) == 0 {
			t.Errorf("%s: outer %+v", tt.object, m)
		}
	}
}

func TestMapInMapErrors(t *testing.T) {
	tests := []struct{ object, want string }{
		{"mim_fault1.o", `mim_fault1.o: section "maps": map "outer": a map of maps without the id of its inner map`},
		{"mim_fault2.o", `mim_fault2.o: section "maps": map "outer": no map has the id 55 of its inner map`},
		{"mim_fault3.o", `mim_fault3.o: section "maps": map "outer": inner map "inner" at key 4 of 4 entries`},
	}
	for _, tt := range tests {
		_, err := read(t, tt.object).Spec(elf.Selector{})
		if _, ok := errors.AsType[*elf.FormatError](err); !ok || err.Error() != tt.want {
			t.Errorf("error %T %v, want %q", err, err, tt.want)
		}
	}
}

func TestPinnings(t *testing.T) {
	want := map[string]elf.Pinning{
		"by_none": elf.PinNone, "by_object": elf.PinObject, "by_global": elf.PinGlobal, "by_number": 4, "by_name": elf.PinByName,
	}
	o := read(t, "pins.o")
	got := make(map[string]elf.Pinning)
	list, err := o.Maps()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		got[m.Name] = m.Pinning
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	spec, err := o.Spec(elf.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range spec.Maps {
		if m.Pinning != ebpf.PinNone {
			t.Errorf("%s: the spec has pinning %v", name, m.Pinning)
		}
	}
}

// Structures of two sizes in one section, both styles in one object, static ones.
func TestMixedMaps(t *testing.T) {
	want := map[string]uint32{"long_def": 16, "short_def": 2, "static_def": 5, "static_btf": 6}
	o := read(t, "mixed.o")
	spec, err := o.Spec(elf.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]uint32)
	for name, m := range spec.Maps {
		got[name] = m.MaxEntries
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	m, err := o.Map("static_def")
	if err != nil || !m.Static {
		t.Errorf("map %+v, %v", m, err)
	}
}

func TestSeventyMaps(t *testing.T) {
	o := read(t, "maps70_nobtf.o")
	all, err := o.Maps()
	if err != nil || len(all) != 70 {
		t.Errorf("%d maps, %v", len(all), err)
	}
	spec, err := o.Spec(elf.Selector{})
	if err != nil || len(spec.Maps) != 30 {
		t.Errorf("spec %v, %v", spec, err)
	}
}

func TestAnnotatedMap(t *testing.T) {
	o := read(t, "annotated.o")
	m, err := o.Map("flows")
	if err != nil {
		t.Fatal(err)
	}
	if got := elf.TypeName(m.Key) + ", " + elf.TypeName(m.Value); got != "struct flow, __u64" {
		t.Errorf("types %s", got)
	}
	spec, err := o.Spec(elf.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := spec.Maps["flows"].Key.(*btf.Struct); !ok || key.Name != "flow" {
		t.Errorf("key %v", spec.Maps["flows"].Key)
	}
}

// COMMON symbols follow the variables of .bss, each at its alignment.
func TestCommonSymbols(t *testing.T) {
	spec, err := read(t, "common.o").Spec(elf.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if m := spec.Maps[".bss"]; m == nil || m.ValueSize != 24 && m.ValueSize != 16 {
		t.Fatalf(".bss %+v", m)
	}
	offsets := make(map[int64]bool)
	for _, ins := range spec.Programs["common"].Instructions {
		if ins.IsLoadFromMap() {
			offsets[ins.Constant>>32] = true
		}
	}
	if len(offsets) != 3 || !offsets[0] {
		t.Errorf("offsets %v", offsets)
	}
}

// A fault elsewhere does not concern a program, not even in its own section.
func TestUndefinedSymbol(t *testing.T) {
	o := read(t, "undefined.o")
	if _, err := o.Spec(elf.Selector{Program: "xdp_good"}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"xdp_same_section", "xdp_bad"} {
		_, err := o.Spec(elf.Selector{Program: name})
		if _, ok := errors.AsType[*elf.FormatError](err); !ok || !strings.HasPrefix(err.Error(), `undefined.o: undefined symbol "nowhere"`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestProgramInText(t *testing.T) {
	o := read(t, "textprog.o")
	_, err := o.Spec(elf.Selector{Type: ebpf.XDP})
	if err == nil || err.Error() != "textprog.o: no program in the object; it has xdp_text (section .text)" {
		t.Errorf("error %v", err)
	}
	spec, err := o.Spec(elf.Selector{Section: ".text", Type: ebpf.XDP})
	if err != nil || spec.Programs["xdp_text"] == nil {
		t.Errorf("spec %v, %v", spec, err)
	}
}

// TestExterns: what is the kernel's is left to the loader, and named.
func TestExterns(t *testing.T) {
	for _, tt := range []struct {
		object, program string
		want            map[string]elf.Extern
	}{
		{"externs_typed.o", "without", map[string]elf.Extern{}},
		{"externs_typed.o", "externs", map[string]elf.Extern{
			"LINUX_KERNEL_VERSION": {Kind: elf.ExternSetting}, "bpf_no_such_variable": {Kind: elf.ExternVariable, Weak: true},
		}},
		{"kernel_absent.o", "wants_function", map[string]elf.Extern{"absent_function": {Kind: elf.ExternFunction}}},
	} {
		linked, err := read(t, tt.object).Link(elf.Selector{Program: tt.program})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, linked.Externs, cmpopts.IgnoreFields(elf.Extern{}, "Type")); diff != "" {
			t.Errorf("%s %s: %s", tt.object, tt.program, diff)
		}
	}
	linked, err := read(t, "externs_typed.o").Link(elf.Selector{Program: "externs"})
	if err != nil {
		t.Fatal(err)
	}
	if v := linked.Spec.Variables["LINUX_KERNEL_VERSION"]; v == nil || v.SectionName != ".kconfig" || len(v.Value) != 4 {
		t.Errorf("a setting is %v", v)
	}
	if x := linked.Externs["bpf_no_such_variable"]; !x.Typed() {
		t.Errorf("a variable of type %v", x.Type)
	}
}

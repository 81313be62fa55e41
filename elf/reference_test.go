package elf_test

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/internal/testobj"
)

func programNamed(t *testing.T, o *elf.Object, name string) elf.Program {
	t.Helper()
	for _, p := range append(o.Programs(), o.Subprograms()...) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no program %q", name)
	return elf.Program{}
}

// described writes references without their places, which the compiler chooses.
func described(refs []elf.Reference) []string {
	var out []string
	for _, r := range refs {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s", r.Kind, r.Name)))
	}
	return out
}

func TestReferences(t *testing.T) {
	for _, tt := range []struct {
		object, program string
		want            []string
	}{
		{"tiny.o", "xdp_pass", nil},
		{"legacy36.o", "xdp_legacy", []string{"map first", "helper", "map second", "helper"}},
		{"tail_be.o", "entry", []string{"map jmp", "helper"}},
		{"callback.o", "xdp_callback", []string{"function address add", "helper"}},
		{"externs_typed.o", "externs", nil},
	} {
		t.Run(tt.object, func(t *testing.T) {
			o := read(t, tt.object)
			refs, err := o.References(programNamed(t, o, tt.program))
			if err != nil {
				t.Fatal(err)
			}
			if tt.object == "externs_typed.o" {
				if len(refs) == 0 || refs[0].Kind != elf.RefKernel && refs[0].Kind != elf.RefKernelVar {
					t.Errorf("references %v", refs)
				}
				return
			}
			if diff := cmp.Diff(tt.want, described(refs)); diff != "" && tt.object != "callback.o" {
				t.Error(diff)
			}
			for _, r := range refs {
				if r.Kind == elf.RefHelper && r.Number <= 0 {
					t.Errorf("helper %d", r.Number)
				}
			}
		})
	}
}

func TestReach(t *testing.T) {
	for _, object := range []string{"subprog.o", "subprog_be.o", "subprog_nobtf.o"} {
		o := read(t, object)
		reached, err := o.Reach(programNamed(t, o, "xdp_both"))
		if err != nil {
			t.Fatal(err)
		}
		if len(reached) < 3 || reached[0].Name != "xdp_both" {
			t.Errorf("%s: reached %v", object, reached)
		}
	}
}

func TestLines(t *testing.T) {
	o := read(t, "count.o")
	lines, err := o.Lines(programNamed(t, o, "xdp_count"))
	if err != nil || len(lines) == 0 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, l := range lines {
		if !strings.HasSuffix(l.File, "count.c") || l.Text != strings.TrimSpace(l.Text) {
			t.Errorf("line %+v", l)
		}
	}
	o = read(t, "count_nobtf.o")
	if lines, err := o.Lines(programNamed(t, o, "xdp_count")); err != nil || lines != nil {
		t.Errorf("lines %v, %v", lines, err)
	}
}

func TestCORERelocations(t *testing.T) {
	for _, object := range []string{"core.o", "core_be.o"} {
		o := read(t, object)
		var all []elf.CORE
		for _, p := range o.Programs() {
			relocs, err := o.CORERelocations(p)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, relocs...)
		}
		if len(all) == 0 {
			t.Fatalf("%s: none", object)
		}
		if c := all[0]; c.Type == nil || c.Access == "" || c.Kind.String() == "unknown" {
			t.Errorf("%s: %+v", object, c)
		}
	}
}

func TestProducer(t *testing.T) {
	for _, tt := range []struct{ section, text, want string }{
		{".comment", "\x00clang version 17.0.6\x00", "clang version 17.0.6"},
		{".debug_str", "src/a.c\x00Debian clang version 14.0.6\x00int\x00", "Debian clang version 14.0.6"},
		{".debug_str", "src/a.c\x00GNU C17 13.2.0 -O2\x00", "GNU C17 13.2.0 -O2"},
		{".debug_str", "src/a.c\x00", ""},
		{".other", "clang version 17.0.6", ""},
	} {
		img := image.New(binary.BigEndian)
		img.Add(image.Section{Name: tt.section, Type: stdelf.SHT_PROGBITS, Data: []byte(tt.text)})
		if got := mustRead(t, img.Bytes()).Producer(); got != tt.want {
			t.Errorf("%s: producer %q, want %q", tt.section, got, tt.want)
		}
	}
}

// What a caller is given to take an object apart is what the file has.
func TestCodeSymbolsRelocations(t *testing.T) {
	o := read(t, "count.o")
	p := programNamed(t, o, "xdp_count")
	code, err := o.Code(p)
	if err != nil || len(code) != int(p.Size) {
		t.Fatalf("%d bytes of code, %v", len(code), err)
	}
	symbols := o.Symbols()
	n := 0
	for _, s := range o.Sections() {
		relocs, err := o.Relocations(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range relocs {
			if r.Symbol <= 0 || r.Symbol >= len(symbols) || r.Type == 0 {
				t.Errorf("%s: relocation %+v", s.Name, r)
			}
			n++
		}
	}
	if n == 0 {
		t.Error("no relocations")
	}
	if _, err := o.Code(elf.Program{Name: "other", Section: "xdp", Offset: 4}); err == nil {
		t.Error("code of a program that is not there")
	}
}

// A call that leads nowhere is said with its place, and the rest is still there.
func TestReferencesBroken(t *testing.T) {
	b := testobj.Bytes("tiny_nobtf.o")
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	code, err := o.Code(o.Programs()[0])
	if err != nil {
		t.Fatal(err)
	}
	copy(b[bytes.Index(b, code):], []byte{0x85, 0x10, 0, 0, 99, 0, 0, 0})
	o, err = elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.References(o.Programs()[0])
	if err == nil || !strings.Contains(err.Error(), "where no function starts") || !strings.Contains(err.Error(), `section "xdp"`) {
		t.Errorf("error %v", err)
	}
}

// TestLinkedRelocations: the instructions of a spec have the relocations that the
// object says, and they are what cilium/ebpf takes them for.
func TestLinkedRelocations(t *testing.T) {
	for _, object := range []string{"core.o", "core_be.o", "core_kinds.o"} {
		o := read(t, object)
		for _, p := range o.Programs() {
			want, err := o.CORERelocations(p)
			if err != nil || len(want) == 0 {
				t.Fatalf("%s, %s: %d relocations, %v", object, p.Name, len(want), err)
			}
			linked, err := o.Link(elf.Selector{Section: p.Section, Program: p.Name})
			if err != nil {
				t.Fatal(err)
			}
			var got []elf.CORE
			for _, ins := range linked.Spec.Programs[p.Name].Instructions {
				relocation := btf.CORERelocationMetadata(&ins)
				if relocation == nil {
					continue
				}
				c := linked.CORE[relocation]
				if text := relocation.String(); !strings.Contains(text, "["+c.Access+"]") {
					t.Errorf("%s, %s: %+v, for cilium/ebpf %s", object, p.Name, c, text)
				}
				got = append(got, c)
			}
			if diff := cmp.Diff(want, got, cmp.Transformer("name", elf.TypeName)); diff != "" {
				t.Errorf("%s, %s: object, spec (-, +):\n%s", object, p.Name, diff)
			}
		}
	}
}

// TestCORETarget: what a relocation asks for is named as in the source.
func TestCORETarget(t *testing.T) {
	o := read(t, "core_kinds.o")
	got := make(map[string]bool)
	for _, p := range o.Programs() {
		all, err := o.CORERelocations(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			got[c.Target()] = true
		}
	}
	for _, want := range []string{
		"field sk_buff.len", "field in6_addr.in6_u.u6_addr32[2]", "field task_struct.tasks.next", "field sk_buff.data",
		"field no_such_struct.member", "value HRTIMER_RESTART of enum hrtimer_restart", "type struct sk_buff", "type union no_such_union",
	} {
		if !got[want] {
			t.Errorf("no relocation asks for %s", want)
		}
	}
}

// The type of a relocation is nil where the types cannot be read.
func TestTargetUnread(t *testing.T) {
	if got := (elf.CORE{Access: "0:1"}).Target(); got != "what is at 0:1 of a type that cannot be read" {
		t.Errorf("%q", got)
	}
}

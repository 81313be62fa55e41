package elf_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// describe writes a program as text: everything that a loader reads of it.
func describe(p *ebpf.ProgramSpec) string {
	var b strings.Builder
	fmt.Fprintln(&b, p.Name, p.SectionName, p.Type, p.AttachType, p.Flags, p.AttachTo, p.License, p.KernelVersion)
	for _, ins := range p.Instructions {
		fmt.Fprintf(&b, "%s%v %q\n", ins.Symbol(), ins, ins.Source())
	}
	return b.String()
}

// refused are objects that the library reads, and that cannot work.
var refused = regexp.MustCompile(`_fault\d|^undefined`)

// What is read of an object for one program is what the library reads of the
// whole object, for every program of every fixture that the library can read.
func TestSpecAgreesWithLibrary(t *testing.T) {
	compared := 0
	for _, name := range testobj.Names() {
		want, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(testobj.Bytes(name)))
		if err != nil || refused.MatchString(name) {
			continue
		}
		o := read(t, name)
		for _, p := range o.Programs() {
			linked, err := o.Link(elf.Selector{Program: p.Name})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if len(linked.Externs) > 0 {
				continue // the library keeps what is the kernel's to itself
			}
			got := linked.Spec
			if diff := cmp.Diff(describe(want.Programs[p.Name]), describe(got.Programs[p.Name])); diff != "" {
				t.Errorf("%s %s: %s", name, p.Name, diff)
			}
			for m, spec := range got.Maps {
				if diff := cmp.Diff(fmt.Sprint(want.Maps[m]), fmt.Sprint(spec)); diff != "" {
					t.Errorf("%s %s: map %s: %s", name, p.Name, m, diff)
				}
			}
			compared++
		}
	}
	if compared < 40 {
		t.Errorf("only %d programs compared", compared)
	}
}

func TestSpecHoldsOnlyWhatIsReached(t *testing.T) {
	tests := []struct {
		object, program string
		maps            []string
	}{
		{"count.o", "xdp_count", []string{".bss", ".data", ".rodata", "stats"}},
		{"count.o", "xdp_plain", nil},
		{"count_nobtf.o", "xdp_plain", nil},
		{"two.o", "xdp_second", nil},
		{"subprog.o", "xdp_both", []string{"results"}},
		{"legacy16_nobtf.o", "xdp_legacy", []string{"first", "second"}},
	}
	for _, tt := range tests {
		t.Run(tt.object+" "+tt.program, func(t *testing.T) {
			spec, err := read(t, tt.object).Spec(elf.Selector{Program: tt.program})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.program}, slices.Collect(maps.Keys(spec.Programs))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.maps, slices.Sorted(maps.Keys(spec.Maps))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The hook decides the type; what the section says stays when it agrees.
func TestSpecType(t *testing.T) {
	const frags = 1 << 5
	tests := []struct {
		object string
		sel    elf.Selector
		attach ebpf.AttachType
		flags  uint32
	}{
		{"two.o", elf.Selector{Section: "prog", Type: ebpf.XDP}, ebpf.AttachNone, 0},
		{"two.o", elf.Selector{Section: "xdp", Type: ebpf.XDP}, ebpf.AttachXDP, 0},
		{"frags.o", elf.Selector{Type: ebpf.XDP}, ebpf.AttachXDP, frags},
		{"frags.o", elf.Selector{Section: "xdp.frags", Type: ebpf.SchedCLS, Force: true}, ebpf.AttachNone, 0},
		{"tc.o", elf.Selector{Section: "classifier", Type: ebpf.XDP, Force: true}, ebpf.AttachNone, 0},
		{"socket.o", elf.Selector{Section: "socket", Type: ebpf.XDP, Force: true}, ebpf.AttachNone, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.object, " ", tt.sel), func(t *testing.T) {
			spec, err := read(t, tt.object).Spec(tt.sel)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range spec.Programs {
				if p.Type != tt.sel.Type || p.AttachType != tt.attach || p.Flags != tt.flags {
					t.Errorf("type %s, attach type %s, flags %#x", p.Type, p.AttachType, p.Flags)
				}
			}
		})
	}
}

// A spec is the caller's own.
func TestSpecIsACopy(t *testing.T) {
	o := read(t, "count.o")
	first, err := o.Spec(elf.Selector{Program: "xdp_count"})
	if err != nil {
		t.Fatal(err)
	}
	first.Maps[".rodata"].Contents[0].Value.([]byte)[0] = 0xee
	first.Maps["stats"].MaxEntries = 99
	second, err := o.Spec(elf.Selector{Program: "xdp_count"})
	if err != nil {
		t.Fatal(err)
	}
	if got := second.Maps[".rodata"].Contents[0].Value.([]byte)[0]; got != 2 {
		t.Errorf("first byte of .rodata is %d", got)
	}
	if got := second.Maps["stats"].MaxEntries; got != 1 {
		t.Errorf("%d entries", got)
	}
}

func TestSpecWithoutBTF(t *testing.T) {
	_, err := read(t, "count_nobtf.o").Spec(elf.Selector{Program: "xdp_count"})
	fe, ok := errors.AsType[*elf.FormatError](err)
	if !ok {
		t.Fatalf("error is %T %v", err, err)
	}
	if fe.Section != ".maps" || !strings.Contains(err.Error(), `map "stats": no BTF to describe it: compile with clang -g`) {
		t.Errorf("error %q", err)
	}
}

// A section name that the library does not know, or takes for something else.
func TestSpecOfText(t *testing.T) {
	spec, err := read(t, "subprog.o").Spec(elf.Selector{Section: ".text", Program: "second_global", Type: ebpf.XDP})
	if err != nil {
		t.Fatal(err)
	}
	p := spec.Programs["second_global"]
	if p == nil || p.SectionName != ".text" || p.Type != ebpf.XDP {
		t.Fatalf("program %+v", p)
	}
	if got := p.Instructions[0].Source(); got == nil {
		t.Error("no source line")
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, name := range []string{"tiny.o", "tiny_nobtf.o", "count.o", "hugelog.o"} {
		b.Run(name, func(b *testing.B) {
			file := testobj.Path(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := elf.Open(file); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSpec(b *testing.B) {
	for _, name := range []string{"tiny.o", "tiny_nobtf.o", "core.o", "hugelog.o"} {
		b.Run(name, func(b *testing.B) {
			o := read(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Spec(elf.Selector{Type: ebpf.XDP}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An object may be used by many at once: everything that is computed late is computed once.
func TestConcurrentUse(t *testing.T) {
	o := read(t, "tail_fault2.o")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := o.Maps(); err == nil {
				t.Error("no error")
			}
			if _, err := o.Spec(elf.Selector{Program: "entry"}); err == nil {
				t.Error("no error")
			}
			if _, err := o.Variables(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

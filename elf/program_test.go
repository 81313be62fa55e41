package elf_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
)

func TestPrograms(t *testing.T) {
	const frags = 1 << 5
	tests := []struct {
		object string
		want   []elf.Program
	}{
		{"two.o", []elf.Program{
			{Name: "xdp_pass", Section: "prog", Size: 16, Instructions: 2},
			{Name: "xdp_drop", Section: "xdp", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, Size: 16, Instructions: 2},
			{Name: "xdp_second", Section: "xdp", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, Offset: 16, Size: 16, Instructions: 2},
			{Name: "xdp_abrt", Section: "xdp/abrt", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, Size: 16, Instructions: 2},
		}},
		{"devmap.o", []elf.Program{
			{Name: "xdp_devmap", Section: "xdp.frags/devmap", Type: ebpf.XDP, AttachType: ebpf.AttachXDPDevMap, Flags: frags, Size: 16, Instructions: 2},
		}},
		{"fentry.o", []elf.Program{
			{Name: "enter", Section: "fentry/netif_receive_skb", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "netif_receive_skb", Size: 16, Instructions: 2},
		}},
		{"optional.o", []elf.Program{
			{Name: "xdp_always", Section: "xdp", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, Size: 16, Instructions: 2},
			{Name: "xdp_optional", Section: "?xdp", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, Optional: true, Size: 16, Instructions: 2},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.object, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, read(t, tt.object).Programs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSubprograms(t *testing.T) {
	var names []string
	for _, p := range read(t, "subprog.o").Subprograms() {
		names = append(names, p.Name)
		if p.Static != (p.Name == "store") {
			t.Errorf("%s: static %v", p.Name, p.Static)
		}
	}
	if diff := cmp.Diff([]string{"first_global", "second_global", "store"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestProgramSelected(t *testing.T) {
	tests := []struct {
		object string
		sel    elf.Selector
		want   string
	}{
		{"tiny.o", elf.Selector{}, "xdp_pass"},
		{"tiny.o", elf.Selector{Type: ebpf.XDP}, "xdp_pass"},
		{"two.o", elf.Selector{Type: ebpf.XDP}, "xdp_pass"},
		{"two.o", elf.Selector{}, "xdp_pass"},
		{"two.o", elf.Selector{Section: "xdp"}, "xdp_drop"},
		{"two.o", elf.Selector{Section: "xdp", Program: "xdp_second"}, "xdp_second"},
		{"two.o", elf.Selector{Program: "xdp_abrt"}, "xdp_abrt"},
		{"optional.o", elf.Selector{Type: ebpf.XDP}, "xdp_always"},
		{"optional.o", elf.Selector{Program: "xdp_optional"}, "xdp_optional"},
		{"optional.o", elf.Selector{Section: "?xdp"}, "xdp_optional"},
		{"tc.o", elf.Selector{Type: ebpf.SchedCLS}, "cls_ok"},
		{"tc.o", elf.Selector{Type: ebpf.SchedACT}, "act_ok"},
		{"tc.o", elf.Selector{Section: "classifier", Type: ebpf.XDP, Force: true}, "cls_ok"},
		{"socket.o", elf.Selector{Section: "socket", Type: ebpf.XDP, Force: true}, "socket_all"},
		{"legacy36.o", elf.Selector{Type: ebpf.XDP}, "xdp_legacy"},
		{"cpumap.o", elf.Selector{}, "xdp_cpumap"},
		{"subprog.o", elf.Selector{Section: ".text"}, "first_global"},
		{"subprog.o", elf.Selector{Program: "second_global"}, "second_global"},
	}
	for _, tt := range tests {
		t.Run(tt.object+" "+tt.sel.String(), func(t *testing.T) {
			got, err := read(t, tt.object).Program(tt.sel)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != tt.want {
				t.Errorf("chose %s, want %s", got.Name, tt.want)
			}
		})
	}
}

func TestProgramNotFound(t *testing.T) {
	tests := []struct {
		object string
		sel    elf.Selector
		want   string
		have   int
	}{
		{"tiny.o", elf.Selector{Section: "nosuch"}, `tiny.o: no section "nosuch"; it has xdp_pass (section xdp)`, 1},
		{"tiny.o", elf.Selector{Program: "nosuch"}, `tiny.o: no program "nosuch"; it has xdp_pass (section xdp)`, 1},
		{"tiny.o", elf.Selector{Section: "license"}, `tiny.o: no program in section "license"; it has xdp_pass (section xdp)`, 1},
		{"two.o", elf.Selector{Section: "xdp", Program: "xdp_pass"}, `two.o: no program "xdp_pass" in section "xdp"`, 4},
		{"tc.o", elf.Selector{}, "tc.o: 3 programs to choose from; it has cls_ok (section classifier), act_ok (section action), tc_shot (section tc)", 3},
		{"subprog.o", elf.Selector{Type: ebpf.XDP}, "subprog.o: 3 programs to choose from", 3},
		{"tc.o", elf.Selector{Type: ebpf.XDP}, "tc.o: no xdp program in the object", 3},
		{"tc.o", elf.Selector{Type: ebpf.XDP, Force: true}, "tc.o: 3 programs to choose from", 3},
		{"socket.o", elf.Selector{Type: ebpf.XDP}, "socket.o: no xdp program in the object; it has socket_all (section socket)", 1},
		{"cpumap.o", elf.Selector{Type: ebpf.XDP}, "cpumap.o: no xdp program in the object; it has xdp_cpumap (section xdp/cpumap)", 1},
	}
	for _, tt := range tests {
		t.Run(tt.object+" "+tt.sel.String(), func(t *testing.T) {
			_, err := read(t, tt.object).Program(tt.sel)
			nf, ok := errors.AsType[*elf.NotFoundError](err)
			if !ok {
				t.Fatalf("error is %T %v", err, err)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %q, want %q", err, tt.want)
			}
			if len(nf.Have) != tt.have {
				t.Errorf("%d candidates, want %d", len(nf.Have), tt.have)
			}
			if diff := cmp.Diff(tt.sel, nf.Selector); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProgramOfAnotherKind(t *testing.T) {
	tests := []struct {
		object string
		want   string
	}{
		{"cpumap.o", `cpumap.o: program xdp_cpumap in section "xdp/cpumap" runs from an entry of a CPUMAP, it cannot run as xdp`},
		{"devmap.o", `devmap.o: program xdp_devmap in section "xdp.frags/devmap" runs from an entry of a DEVMAP, it cannot run as xdp`},
		{"freplace.o", `freplace.o: program replacement in section "freplace/xdp_main" replaces a function of another program, and needs that program as its target, it cannot run as xdp`},
		{"fentry.o", `fentry.o: program enter in section "fentry/netif_receive_skb" is of type tracing and attaches to "netif_receive_skb", it cannot run as xdp`},
	}
	for _, tt := range tests {
		t.Run(tt.object, func(t *testing.T) {
			o := read(t, tt.object)
			_, err := o.Spec(elf.Selector{Program: o.Programs()[0].Name, Type: ebpf.XDP})
			if _, ok := errors.AsType[*elf.TypeError](err); !ok {
				t.Fatalf("error is %T %v", err, err)
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

// TestProgramOfAnotherHook: what says that it was made for another hook is refused, by its section
// or by what it takes, and loaded all the same if the caller insists.
func TestProgramOfAnotherHook(t *testing.T) {
	for _, tt := range []struct {
		object, program string
		hook            ebpf.ProgramType
		want            string // "" where nothing says so
	}{
		{"tc.o", "tc_shot", ebpf.XDP, `tc.o: program tc_shot in section "tc" is of type sched_cls, and its verdicts mean something else where xdp runs`},
		{"tc_nobtf.o", "tc_shot", ebpf.XDP, `tc_nobtf.o: program tc_shot in section "tc" is of type sched_cls, and its verdicts mean something else where xdp runs`},
		{"socket.o", "socket_all", ebpf.SchedCLS, `socket.o: program socket_all in section "socket" is of type socket_filter, and its verdicts mean something else where sched_cls runs`},
		{"tiny.o", "xdp_pass", ebpf.SchedCLS, `tiny.o: program xdp_pass in section "xdp" is of type xdp, and its verdicts mean something else where sched_cls runs`},
		{"two.o", "xdp_pass", ebpf.SchedCLS, `two.o: program xdp_pass in section "prog" takes a struct xdp_md, which is not what sched_cls programs take`},
		{"two_nobtf.o", "xdp_pass", ebpf.SchedCLS, ""},
		{"two.o", "xdp_pass", ebpf.XDP, ""},
		{"tc.o", "act_ok", ebpf.SchedCLS, ""},
		{"tailbtf.o", "third", ebpf.SchedCLS, `tailbtf.o: program third in section "classifier/third" takes a struct xdp_md, which is not what sched_cls programs take`},
		{"tailbtf.o", "third", ebpf.XDP, ""}, // section classifier/third, but it takes a struct xdp_md
	} {
		t.Run(tt.object+" "+tt.program, func(t *testing.T) {
			_, err := read(t, tt.object).Spec(elf.Selector{Program: tt.program, Type: tt.hook})
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want {
				t.Errorf("error %q, want %q", text, tt.want)
			}
			spec, err := read(t, tt.object).Spec(elf.Selector{Program: tt.program, Type: tt.hook, Force: true})
			if err != nil || spec.Programs[tt.program].Type != tt.hook {
				t.Errorf("insisted: %v, %v", spec, err)
			}
		})
	}
}

// TestProgramOthers: what else a section has is known, unless the program was named.
func TestProgramOthers(t *testing.T) {
	for _, tt := range []struct {
		object string
		sel    elf.Selector
		want   []string
	}{
		{"two.o", elf.Selector{Section: "xdp"}, []string{"xdp_second"}},
		{"two.o", elf.Selector{Section: "xdp", Program: "xdp_drop"}, nil},
		{"two.o", elf.Selector{Program: "xdp_second"}, nil},
		{"two.o", elf.Selector{Type: ebpf.XDP}, nil},
		{"two.o", elf.Selector{Section: "nosuch"}, nil},
	} {
		var got []string
		for _, p := range read(t, tt.object).Others(tt.sel) {
			got = append(got, p.Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s: %s", tt.object, tt.sel, diff)
		}
	}
}

// TestProgramBeforeFunction: a function that programs call may have the name of a
// program, where several objects were linked into one.
func TestProgramBeforeFunction(t *testing.T) {
	const text = `.endian little
.section .text progbits ax 8
.function same@1 local
	r0 = 1
	exit
.section xdp progbits ax 8
.function same@2
	r0 = 2
	exit
`
	image, err := listing.Assemble(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Read(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := o.Program(elf.Selector{Program: "same"}); err != nil || p.Section != "xdp" {
		t.Errorf("%+v, %v, want that of section xdp", p, err)
	}
}

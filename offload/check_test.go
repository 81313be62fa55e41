package offload

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

func check(t *testing.T, driver, object string, s elf.Selector) []*Finding {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(object)), object)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Check(driver, o, s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Each object breaks one rule, and is told that one.
func TestCheckNFP(t *testing.T) {
	for rule, want := range []string{
		1:  "no code for instruction 0xd4",
		2:  "helper bpf_ktime_get_ns is not there",
		3:  "map flows: a device keeps maps of type array and hash only",
		4:  "cannot be written in place",
		5:  "of the context only data and data_end are there",
		6:  "the only atomic operation is an addition",
		7:  "atomic addition to the stack",
		8:  "have atomic and read use",
		9:  "not 0",
		10: "a tc program returns a constant",
		11: "must be BPF_F_CURRENT_CPU, not 0x0",
		12: "the key must be on the stack, not in a map's value",
		13: "values of at most 64 bytes, not 72",
		14: "no map flags, not 0x1",
		15: "division by something that is no constant",
		16: "the stack takes 576 bytes",
		17: "only rx_queue_index of an XDP program can be written",
		18: "map .bss: global variables",
		19: "the key must be at a multiple of 4 bytes",
	} {
		if want == "" {
			continue
		}
		t.Run(fmt.Sprint(rule), func(t *testing.T) {
			found := check(t, "nfp", fmt.Sprintf("nfp_rule%d.o", rule), elf.Selector{})
			if len(found) != 1 {
				for _, f := range found {
					t.Log(f)
				}
				t.Fatalf("%d findings, want 1: %s", len(found), want)
			}
			f := found[0]
			if !strings.Contains(f.Error(), want) {
				t.Errorf("found %v, want %s", f, want)
			}
			if f.Source == "" {
				t.Error("no source of the rule")
			}
			if f.Program != "" && f.Instruction >= 0 && !strings.Contains(f.Line, "nfp.c:") {
				t.Errorf("line %q", f.Line)
			}
		})
	}
}

func TestCheckNFPFindsNothing(t *testing.T) {
	for ok := 1; ok <= 4; ok++ {
		for _, f := range check(t, "nfp", fmt.Sprintf("nfp_ok%d.o", ok), elf.Selector{}) {
			t.Errorf("nfp_ok%d.o: %v", ok, f)
		}
	}
}

// What clang of this version does not write.
func TestCheckNFPInstructions(t *testing.T) {
	exit := asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}
	for _, tt := range []struct {
		name  string
		insns asm.Instructions
		want  string
	}{
		{"nothing", nil, ""},
		{"to little endian", asm.Instructions{asm.Mov.Imm(asm.R1, 1), asm.HostTo(asm.LE, asm.R1, asm.Word)}, "no code for instruction 0xd4"},
		{"modulo", asm.Instructions{asm.Mov.Imm(asm.R2, 8), asm.Mod.Imm(asm.R2, 3)}, "no code for instruction 0x97"},
		{"to big endian", asm.Instructions{asm.Mov.Imm(asm.R1, 1), asm.HostTo(asm.BE, asm.R1, asm.Word)}, ""},
		{"constant to the stack", asm.Instructions{{OpCode: 0x62, Dst: asm.R10, Offset: -4, Constant: 1}}, "a constant cannot be stored"},
		{"sign extension", asm.Instructions{asm.LoadMemSX(asm.R2, asm.R10, -4, asm.Word)}, "no code for instruction 0x81"},
		{"64-bit jump offset", asm.Instructions{{OpCode: 0x06, Constant: 0}}, "no code for instruction 0x06"},
		{"may_goto", asm.Instructions{{OpCode: 0xe5}}, "no code for instruction 0xe5"},
		{"register 11", asm.Instructions{asm.Mov.Imm(11, 1)}, "registers 0 to 10 only"},
		{"kernel function", asm.Instructions{{OpCode: 0x85, Src: 2, Constant: 7}}, "no kernel function"},
		{"key from the packet", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMapPtr(asm.R1, 0).WithReference("m"), asm.FnMapLookupElem.Call(),
		}, "the key must be on the stack, not in the packet"},
		{"spilled pointer", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 4, asm.Word), asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
			asm.LoadMem(asm.R3, asm.R10, -8, asm.DWord), asm.LoadMem(asm.R4, asm.R3, 0, asm.Byte),
		}, "through a pointer to the packet's end"},
		{"multiply by a negative", asm.Instructions{asm.Mov.Imm(asm.R2, 1), asm.Mul.Imm(asm.R2, -1)}, "multiplication by a negative"},
		{"divide by a constant register", asm.Instructions{asm.Mov.Imm(asm.R2, 8), asm.Mov.Imm(asm.R3, 2), asm.Div.Reg(asm.R2, asm.R3)}, ""},
		{"divide by a negative", asm.Instructions{asm.Mov.Imm(asm.R2, 8), asm.Div.Imm(asm.R2, -2)}, "division by a negative"},
		{"load from the packet's end", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 4, asm.Word), asm.LoadMem(asm.R3, asm.R2, 0, asm.Byte),
		}, "through a pointer to the packet's end"},
		{"stack at a place that varies", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R2, asm.R2, 0, asm.Byte), asm.Mov.Reg(asm.R3, asm.R10),
			asm.Sub.Reg(asm.R3, asm.R2), asm.StoreMem(asm.R3, -8, asm.R2, asm.Byte),
		}, "the stack cannot be reached at an offset that is no constant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
				"p": {Name: "p", Type: ebpf.XDP, Instructions: append(tt.insns, exit...)},
			}}
			found, err := CheckSpec("nfp", spec)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.want == "" && len(found) > 0:
				t.Errorf("found %v", found[0])
			case tt.want != "" && (len(found) != 1 || !strings.Contains(found[0].Rule, tt.want)):
				t.Errorf("found %v, want %s", found, tt.want)
			}
		})
	}
}

func TestCheckNetdevsim(t *testing.T) {
	for section, want := range map[string]string{
		"xdp":        "",
		"xdp/events": "",
		"xdp/big":    "map big: at most 2 entries, not 4",
		"xdp/cache":  "maps of type array and hash only",
		"xdp/global": "global variables",
	} {
		found := check(t, "netdevsim", "card.o", elf.Selector{Section: section})
		if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || !strings.Contains(found[0].Error(), want)) {
			t.Errorf("%s: found %v, want %q", section, found, want)
		}
	}
}

func TestCheckDriver(t *testing.T) {
	if _, err := CheckSpec("e1000", &ebpf.CollectionSpec{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error: %v", err)
	}
}

// Every program of every object is looked at without a panic, and in the end.
func FuzzCheck(f *testing.F) {
	for _, name := range []string{"nfp.o", "tail.o", "subprog.o", "callback.o", "mim.o", "card.o"} {
		f.Add(testobj.Bytes(name))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		o, err := elf.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, p := range o.Programs() {
			_, _ = Check("nfp", o, elf.Selector{Section: p.Section, Program: p.Name})
		}
	})
}

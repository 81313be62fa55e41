package offload

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf"
)

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
		15: "division by something that is not a constant",
		16: "the stack takes 576 bytes",
		17: "only rx_queue_index of an XDP program can be written",
		18: "map .bss: global variables",
		19: "the key must be at a multiple of 4 bytes",
		20: "bytes 0 to 3 of the values of map flows are added to, so bpf_map_update_elem can only set them to zero",
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
		{"multiply 8 bytes of the packet", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R3, asm.R2, 0, asm.DWord), asm.Mul.Imm(asm.R3, 3),
		}, "multiplication of a number that may need more than 32 bits"},
		{"divide 8 bytes of the packet that were compared", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R3, asm.R2, 0, asm.DWord),
			{OpCode: 0x25, Dst: asm.R3, Offset: 1, Constant: 1000},
			asm.Div.Imm(asm.R3, 3),
		}, ""},
		{"divide the packet's length", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
			asm.Sub.Reg(asm.R3, asm.R2), asm.Div.Imm(asm.R3, 3),
		}, "division of a number that may need more than 32 bits"},
		{"multiply by a large constant", asm.Instructions{
			asm.Mov.Imm(asm.R2, 1), asm.Mov.Imm(asm.R3, -1), asm.Mul.Reg(asm.R2, asm.R3),
		}, "a multiplier that may need more than 32 bits"},
		{"divide by one of two constants", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R4, asm.R2, 0, asm.Byte), asm.Mov.Imm(asm.R3, 2),
			{OpCode: 0x15, Dst: asm.R4, Offset: 1, Constant: 1},
			asm.Mov.Imm(asm.R3, 3),
			asm.Div.Reg(asm.R4, asm.R3),
		}, "division by something that is not a constant"},
		{"constant to the packet", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), {OpCode: 0x72, Dst: asm.R2, Constant: 1},
		}, "a constant cannot be stored to memory"},
		{"event from an odd place of the stack", asm.Instructions{
			asm.LoadMapPtr(asm.R2, 0).WithReference("e"), asm.LoadImm(asm.R3, 0xffffffff, asm.DWord),
			asm.Mov.Reg(asm.R4, asm.R10), asm.Add.Imm(asm.R4, -3), asm.Mov.Imm(asm.R5, 3), asm.FnPerfEventOutput.Call(),
		}, "the event's data must be at a multiple of 4 bytes"},
		{"one of two places of the stack", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R4, asm.R2, 0, asm.Byte),
			asm.Mov.Reg(asm.R3, asm.R10), asm.Mov.Reg(asm.R5, asm.R10), asm.Add.Imm(asm.R3, -8),
			{OpCode: 0x15, Dst: asm.R4, Offset: 2, Constant: 1},
			asm.Mov.Reg(asm.R3, asm.R5), asm.Add.Imm(asm.R3, -6),
			asm.StoreMem(asm.R3, 0, asm.R4, asm.Byte),
		}, "the stack is reached at -8 here, or at -6"},
		{"stack at a place that varies", asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R2, asm.R2, 0, asm.Byte), asm.Mov.Reg(asm.R3, asm.R10),
			asm.Sub.Reg(asm.R3, asm.R2), asm.StoreMem(asm.R3, -8, asm.R2, asm.Byte),
		}, "the stack cannot be reached at an offset that is not a constant"},
	} {
		t.Run(tt.name, func(t *testing.T) { checkInstructions(t, ebpf.XDP, append(tt.insns, exit...), tt.want) })
	}
}

// checkInstructions wants one finding that has want in its rule, or none.
func checkInstructions(t *testing.T, kind ebpf.ProgramType, insns asm.Instructions, want string) {
	t.Helper()
	found, err := CheckSpec("nfp", &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{"m": {Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		Programs: map[string]*ebpf.ProgramSpec{
			"p": {Name: "p", Type: kind, Instructions: insns},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case want == "" && len(found) > 0:
		t.Errorf("found %v", found[0])
	case want != "" && (len(found) != 1 || !strings.Contains(found[0].Rule, want)):
		t.Errorf("found %v, want %s", found, want)
	}
}

// Functions: what they return, and the caller's stack in their hands.
func TestCheckNFPFunctions(t *testing.T) {
	caller := func(before ...asm.Instruction) asm.Instructions {
		return append(asm.Instructions(before), asm.Call.Label("f"), asm.Mov.Imm(asm.R0, 2), asm.Return())
	}
	place := asm.Instructions{asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -440), asm.StoreMem(asm.R2, 0, asm.R1, asm.DWord)}
	for _, tt := range []struct {
		name  string
		kind  ebpf.ProgramType
		insns asm.Instructions
		want  string
	}{
		{
			name: "tc, any number", kind: ebpf.SchedCLS,
			insns: append(caller(), asm.LoadMem(asm.R0, asm.R1, 0, asm.Word).WithSymbol("f"), asm.Return()),
			want:  "a function of a tc program, like the program itself, returns a constant",
		},
		{
			name: "tc, zero", kind: ebpf.SchedCLS,
			insns: append(caller(), asm.Mov.Imm(asm.R0, 0).WithSymbol("f"), asm.Return()),
			want:  "_SHOT, _STOLEN or _QUEUED, not 0",
		},
		{
			name: "XDP, any number", kind: ebpf.XDP,
			insns: append(caller(), asm.LoadMem(asm.R0, asm.R1, 0, asm.Word).WithSymbol("f"), asm.Return()),
		},
		{
			name: "the caller's stack is not counted twice", kind: ebpf.XDP,
			insns: append(caller(place...), asm.Mov.Imm(asm.R3, 1).WithSymbol("f"), asm.StoreMem(asm.R2, 0, asm.R3, asm.DWord), asm.Return()),
		},
		{
			name: "the caller's stack is not the function's", kind: ebpf.XDP,
			insns: append(caller(place...),
				asm.LoadMem(asm.R4, asm.R1, 4, asm.Word).WithSymbol("f"), asm.StoreMem(asm.R2, 0, asm.R4, asm.DWord),
				asm.LoadMem(asm.R5, asm.R2, 0, asm.DWord), asm.Return()),
		},
	} {
		t.Run(tt.name, func(t *testing.T) { checkInstructions(t, tt.kind, tt.insns, tt.want) })
	}
}

// Words that are added to are set to zero only, before and after.
func TestCheckNFPCounters(t *testing.T) {
	update := func(number int32, at int16) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Imm(asm.R3, 0), asm.StoreMem(asm.R10, -8, asm.R3, asm.DWord), asm.StoreMem(asm.R10, -12, asm.R3, asm.Word),
			asm.Mov.Imm(asm.R3, number), asm.StoreMem(asm.R10, -8+at, asm.R3, asm.Word),
			asm.LoadMapPtr(asm.R1, 0).WithReference("m"), asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -12),
			asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, -8), asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call(),
		}
	}
	add := asm.Instructions{
		asm.Mov.Imm(asm.R3, 0), asm.StoreMem(asm.R10, -12, asm.R3, asm.Word), asm.LoadMapPtr(asm.R1, 0).WithReference("m"),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -12), asm.FnMapLookupElem.Call(),
		{OpCode: 0x15, Dst: asm.R0, Offset: 2},
		asm.Mov.Imm(asm.R1, 1), asm.AddAtomic.Mem(asm.R0, asm.R1, asm.Word, 0),
	}
	const want = "bytes 0 to 3 of the values of map m are added to"
	exit := asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}
	for _, tt := range []struct {
		name  string
		parts []asm.Instructions
		want  string
	}{
		{"one, then added to", []asm.Instructions{update(1, 0), add, exit}, want},
		{"added to, then one", []asm.Instructions{add, update(1, 0), exit}, want},
		{"zero", []asm.Instructions{update(0, 0), add, exit}, ""},
		{"one in another word", []asm.Instructions{add, update(1, 4), exit}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { checkInstructions(t, ebpf.XDP, slices.Concat(tt.parts...), tt.want) })
	}
}

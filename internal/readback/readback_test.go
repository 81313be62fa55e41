package readback

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/internal/disasm"
	"github.com/xdpload/xdpload/internal/sys"
)

const someSymbols = `0000000000000000 A fixed_percpu_data
ffffffff814cc800 T __pfx___bpf_call_base
ffffffff814cc810 T __bpf_call_base
ffffffff814ccd10 T bpf_helper
ffffffff814ccd10 T bpf_helper_alias
ffffffffc0022124 t bpf_prog_2aea5ce6516bf9df_xdp_count	[bpf]
`

// symbolsOf is a table with some text.
func symbolsOf(t *testing.T, text string) *Symbols {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kallsyms")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Kallsyms(path)
}

func TestSymbols(t *testing.T) {
	s := symbolsOf(t, someSymbols)
	if got := s.base(); got != 0xffffffff814cc810 {
		t.Errorf("base %#x", got)
	}
	got := s.Names([]uint64{0xffffffffc0022124, 0xffffffff814ccd10, 0xffffffff814ccd11, 0})
	want := map[uint64]string{0xffffffffc0022124: "bpf_prog_2aea5ce6516bf9df_xdp_count", 0xffffffff814ccd10: "bpf_helper"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoSymbols(t *testing.T) {
	for name, s := range map[string]*Symbols{
		"no file":    Kallsyms(filepath.Join(t.TempDir(), "none")),
		"empty":      symbolsOf(t, ""),
		"restricted": symbolsOf(t, "0000000000000000 T __bpf_call_base\n0000000000000000 T bpf_helper\n"),
		"garbage":    symbolsOf(t, "x\n\nffffffff814cc810\nzz T __bpf_call_base\n"),
	} {
		if base, names := s.base(), s.Names([]uint64{1}); base != 0 || len(names) != 0 {
			t.Errorf("%s: base %#x, names %v", name, base, names)
		}
	}
}

// rewritten is a program as the kernel gives it back.
func rewritten(insns ...insn.Instruction) *Program {
	var raw []byte
	for _, i := range insns {
		raw = i.Append(raw, binary.NativeEndian)
	}
	p := &Program{code: &sys.ProgramCode{Xlated: raw}}
	p.Functions = p.functionsByCalls("main")
	return p
}

func TestXlated(t *testing.T) {
	p := rewritten(
		insn.Instruction{Op: insn.LoadImm64, Wide: true, Dst: 1, Src: insn.LoadMap, Imm: 7},
		insn.Instruction{Op: insn.LoadImm64, Wide: true, Dst: 1, Src: insn.LoadMapValue, Imm: 8, High: 16},
		insn.Instruction{Op: insn.LoadImm64, Wide: true, Dst: 1, Imm: -0x3ffddedc, High: -1},
		insn.Instruction{Op: insn.LoadImm64, Wide: true, Dst: 2, Src: insn.LoadFunction, Imm: 8},
		insn.Instruction{Op: insn.Call, Imm: 0x500},
		insn.Instruction{Op: insn.Call, Imm: 0x501},
		insn.Instruction{Op: insn.Call, Imm: 0},
		insn.Instruction{Op: insn.Call, Src: insn.CallKernel, Imm: 0x500},
		insn.Instruction{Op: insn.Call, Src: insn.CallLocal, Off: 1, Imm: 1},
		insn.Instruction{Op: insn.Exit},
		insn.Instruction{Op: insn.Exit},
		insn.Instruction{Op: insn.Exit},
	)
	items, err := p.Xlated(Names{Symbols: symbolsOf(t, someSymbols), Map: func(id uint32) string {
		return map[uint32]string{7: "packets"}[id]
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range items {
		if i.Function != "" {
			got = append(got, i.Function+":")
		}
		text := i.Text
		if i.Remark != "" {
			text += " ; " + i.Remark
		}
		got = append(got, text)
	}
	want := []string{
		"main:",
		"r1 = map[packets] ; map id 7",
		"r1 = map[id:8][0]+16 ; map id 8",
		"r1 = 0xffffffffc0022124 ll ; bpf_prog_2aea5ce6516bf9df_xdp_count",
		"r2 = &subprog2",
		"call bpf_helper",
		"call __bpf_call_base+0x501",
		"call hidden",
		"call bpf_helper",
		"call subprog1",
		"exit",
		"subprog1:",
		"exit",
		"subprog2:",
		"exit",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !p.Hidden() {
		t.Error("hidden addresses are not told")
	}
}

// TestMangled wants no panic of what no kernel gives.
func TestMangled(t *testing.T) {
	p := rewritten(
		insn.Instruction{Op: insn.Call, Src: insn.CallLocal, Off: -100, Imm: 100},
		insn.Instruction{Op: insn.LoadImm64, Src: insn.LoadFunction, Imm: 1 << 30, Wide: true, High: -1},
	)
	p.code.FuncLens = []uint32{1}
	if _, err := p.Xlated(Names{Symbols: symbolsOf(t, ""), Map: func(uint32) string { return "" }}); err != nil {
		t.Error(err)
	}
	p.code.JITed, p.JITedSize = []byte{0xc3}, 1
	p.code.FuncLens = []uint32{100}
	p.Functions[0].Size = 100
	if _, err := p.JITed(Names{Symbols: symbolsOf(t, "")}); err == nil {
		t.Error("more code than there is")
	}
}

// TestHidden: code that is not shown is no empty program.
func TestHidden(t *testing.T) {
	names := Names{Symbols: symbolsOf(t, ""), Map: func(uint32) string { return "" }}
	p := &Program{XlatedSize: 16, JITedSize: 8, code: &sys.ProgramCode{}}
	_, xlated := p.Xlated(names)
	_, jited := p.JITed(names)
	for _, err := range []error{xlated, jited} {
		if _, hidden := errors.AsType[*HiddenError](err); !hidden {
			t.Errorf("got %v", err)
		}
	}
	if _, err := rewritten(insn.Instruction{Op: insn.Exit}).JITed(names); !errors.Is(err, ErrNotJITed) {
		t.Errorf("what is interpreted: %v", err)
	}
}

// TestLabels: no two places of a program have the same label.
func TestLabels(t *testing.T) {
	jump := func(to uint64) MachineInstruction {
		return MachineInstruction{Instruction: disasm.Instruction{Transfer: disasm.Jump, Target: to}}
	}
	all := []Machine{
		{Function: Function{Name: "one", Address: 0x1000}, Instructions: []MachineInstruction{jump(0x1002), {Offset: 2}}},
		{Function: Function{Name: "two", Address: 0x2000}, Instructions: []MachineInstruction{jump(0x2002), {Offset: 2}}},
	}
	nameTargets(all, symbolsOf(t, ""))
	for i, want := range []string{"L1", "L2"} {
		m := all[i].Instructions
		if m[0].Goes != want || m[1].Label != want {
			t.Errorf("%s: goes to %q, where the label is %q, want %q", all[i].Name, m[0].Goes, m[1].Label, want)
		}
	}
}

package insn

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One list drives the tests of printing and of parsing.
var samples = []struct {
	text string
	insn Instruction
}{
	{"r1 = 5", Instruction{Op: 0xb7, Dst: 1, Imm: 5}},
	{"w1 = -5", Instruction{Op: 0xb4, Dst: 1, Imm: -5}},
	{"r1 = r2", Instruction{Op: 0xbf, Dst: 1, Src: 2}},
	{"w1 = w2", Instruction{Op: 0xbc, Dst: 1, Src: 2}},
	{"r1 = (s8)r2", Instruction{Op: 0xbf, Dst: 1, Src: 2, Off: 8}},
	{"w1 = (s16)w2", Instruction{Op: 0xbc, Dst: 1, Src: 2, Off: 16}},
	{"r3 += r4", Instruction{Op: 0x0f, Dst: 3, Src: 4}},
	{"r3 s>>= 32", Instruction{Op: 0xc7, Dst: 3, Imm: 32}},
	{"r3 s/= r4", Instruction{Op: 0x3f, Dst: 3, Src: 4, Off: 1}},
	{"w3 s%= 7", Instruction{Op: 0x94, Dst: 3, Off: 1, Imm: 7}},
	{"r3 %= 7", Instruction{Op: 0x97, Dst: 3, Imm: 7}},
	{"r3 = -r3", Instruction{Op: 0x87, Dst: 3}},
	{"r3 = be16 r3", Instruction{Op: 0xdc, Dst: 3, Imm: 16}},
	{"r3 = le64 r3", Instruction{Op: 0xd4, Dst: 3, Imm: 64}},
	{"r3 = bswap32 r3", Instruction{Op: 0xd7, Dst: 3, Imm: 32}},
	{"r1 = addr_space_cast(r2, 0, 1)", Instruction{Op: 0xbf, Dst: 1, Src: 2, Off: 1, Imm: 1}},
	{"r1 = &(void __percpu *)(r2)", Instruction{Op: 0xbf, Dst: 1, Src: 2, Off: -1}},
	{"nospec", Instruction{Op: 0xc2}},
	{"r1 = *(u32 *)(r1 +0)", Instruction{Op: 0x61, Dst: 1, Src: 1}},
	{"r1 = *(s16 *)(r10 -8)", Instruction{Op: 0x89, Dst: 1, Src: 10, Off: -8}},
	{"*(u64 *)(r10 -8) = r1", Instruction{Op: 0x7b, Dst: 10, Src: 1, Off: -8}},
	{"*(u8 *)(r1 +14) = 1", Instruction{Op: 0x72, Dst: 1, Off: 14, Imm: 1}},
	{"r0 = *(u16 *)skb[12]", Instruction{Op: 0x28, Imm: 12}},
	{"r0 = *(u8 *)skb[r6 +2]", Instruction{Op: 0x50, Src: 6, Imm: 2}},
	{"lock *(u64 *)(r0 +0) += r1", Instruction{Op: 0xdb, Src: 1}},
	{"lock *(u32 *)(r0 +4) ^= r1", Instruction{Op: 0xc3, Src: 1, Off: 4, Imm: 0xa0}},
	{"r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", Instruction{Op: 0xdb, Dst: 1, Src: 2, Imm: 1}},
	{"r2 = atomic_fetch_or((u32 *)(r1 +0), r2)", Instruction{Op: 0xc3, Dst: 1, Src: 2, Imm: 0x41}},
	{"r2 = atomic64_xchg((u64 *)(r1 -8), r2)", Instruction{Op: 0xdb, Dst: 1, Src: 2, Off: -8, Imm: 0xe1}},
	{"r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)", Instruction{Op: 0xc3, Dst: 1, Src: 2, Imm: 0xf1}},
	{"r1 = load_acquire((u64 *)(r2 +0))", Instruction{Op: 0xdb, Dst: 1, Src: 2, Imm: 0x100}},
	{"store_release((u32 *)(r1 +8), r2)", Instruction{Op: 0xc3, Dst: 1, Src: 2, Off: 8, Imm: 0x110}},
	{"r1 = 0x123456789 ll", Instruction{Op: 0x18, Dst: 1, Imm: 0x23456789, High: 1, Wide: true}},
	{"r1 = 0xffffffffffffffff ll", Instruction{Op: 0x18, Dst: 1, Imm: -1, High: -1, Wide: true}},
	{"r1 = map[fd:7]", Instruction{Op: 0x18, Dst: 1, Src: 1, Imm: 7, Wide: true}},
	{"r1 = map[fd:7][0]+16", Instruction{Op: 0x18, Dst: 1, Src: 2, Imm: 7, High: 16, Wide: true}},
	{"r1 = btf_id[12]+0", Instruction{Op: 0x18, Dst: 1, Src: 3, Imm: 12, Wide: true}},
	{"r1 = subprog[+12]", Instruction{Op: 0x18, Dst: 1, Src: 4, Imm: 12, Wide: true}},
	{"r1 = map[idx:0]", Instruction{Op: 0x18, Dst: 1, Src: 5, Wide: true}},
	{"r1 = map[idx:1][0]+4", Instruction{Op: 0x18, Dst: 1, Src: 6, Imm: 1, High: 4, Wide: true}},
	{"call bpf_map_lookup_elem", Instruction{Op: 0x85, Imm: 1}},
	{"call bpf_cgrp_storage_delete", Instruction{Op: 0x85, Imm: 211}},
	{"call helper#9999", Instruction{Op: 0x85, Imm: 9999}},
	{"call pc+12", Instruction{Op: 0x85, Src: 1, Imm: 12}},
	{"call kfunc#812+0", Instruction{Op: 0x85, Src: 2, Imm: 812}},
	{"callx r3", Instruction{Op: 0x8d, Dst: 3}},
	{"exit", Instruction{Op: 0x95}},
	{"goto pc-3", Instruction{Op: 0x05, Off: -3}},
	{"gotol pc+40000", Instruction{Op: 0x06, Imm: 40000}},
	{"may_goto pc+2", Instruction{Op: 0xe5, Off: 2}},
	{"gotox r4", Instruction{Op: 0x0d, Dst: 4}},
	{"if r3 > r2 goto pc+4", Instruction{Op: 0x2d, Dst: 3, Src: 2, Off: 4}},
	{"if w3 s<= 0xffffffff goto pc+4", Instruction{Op: 0xd6, Dst: 3, Off: 4, Imm: -1}},
	{"if r3 & 0x8 goto pc+4", Instruction{Op: 0x45, Dst: 3, Off: 4, Imm: 8}},
	{".insn 0xb7 1 2 0 5", Instruction{Op: 0xb7, Dst: 1, Src: 2, Imm: 5}},
	{".insn 0x00 0 0 0 0", Instruction{}},
	{".insn 0x18 1 9 0 1 2", Instruction{Op: 0x18, Dst: 1, Src: 9, Imm: 1, High: 2, Wide: true}},
}

func TestText(t *testing.T) {
	for _, s := range samples {
		if got := s.insn.Text(""); got != s.text {
			t.Errorf("%+v is %q, want %q", s.insn, got, s.text)
		}
	}
}

func TestParse(t *testing.T) {
	for _, s := range samples {
		got, name, err := Parse("\t" + s.text + " ")
		if err != nil || name != "" {
			t.Errorf("%q: name %q, %v", s.text, name, err)
		}
		if diff := cmp.Diff(s.insn, got); diff != "" {
			t.Errorf("%q: %s", s.text, diff)
		}
	}
}

// Blanks may be around brackets, commas and stars, and need not be.
func TestParseBlanks(t *testing.T) {
	for _, s := range samples {
		if strings.HasPrefix(s.text, ".insn") {
			continue
		}
		wide := regexp.MustCompile(`[()\[\],*]`).ReplaceAllStringFunc(s.text, func(mark string) string { return " " + mark + "\t" })
		if strings.Contains(s.text, "*=") {
			wide = s.text // an operator
		}
		got, name, err := Parse(wide)
		if err != nil || name != "" || got != s.insn {
			t.Errorf("%q: %+v, name %q, %v", wide, got, name, err)
		}
	}
}

func TestOperands(t *testing.T) {
	for _, tt := range []struct {
		text, operand string
		insn          Instruction
	}{
		{"if r1 == 0x0 goto L1", "L1", Instruction{Op: 0x15, Dst: 1}},
		{"goto L2", "L2", Instruction{Op: 0x05}},
		{"call xdp_count", "xdp_count", Instruction{Op: 0x85, Src: 1, Imm: -1}},
		{"r1 = map[counts]", "map[counts]", Instruction{Op: 0x18, Dst: 1, Wide: true}},
		{`r1 = &"odd name"+4`, `&"odd name"+4`, Instruction{Op: 0x18, Dst: 1, Wide: true}},
	} {
		got, operand, err := Parse(tt.text)
		if err != nil || got != tt.insn || operand != tt.operand {
			t.Errorf("%q is %+v %q, %v", tt.text, got, operand, err)
		}
		if back := got.Text(operand); back != tt.text {
			t.Errorf("%q came back as %q", tt.text, back)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":                        "no instruction",
		"nonsense":                "no instruction",
		"r1":                      "no instruction",
		"r16 = 1":                 "no instruction",
		"r1 = 99999999999":        "does not fit in 32 bits",
		"r1 += w2":                "lower half",
		"r1 = 5 6":                `"6" after its end`,
		"goto":                    "no target",
		"if r1 ~ r2 goto L1":      "comparison",
		"if r1 == r2":             "no goto",
		"*(u128 *)(r1 +0) = 1":    "no size",
		"*(u32 *)(r1 +99999) = 1": "does not fit in 16 bits",
		"r1 = be16 r2":            "only a register itself",
		".insn 1 2":               ".insn needs",
		".insn 1 2 3 4 5 6":       "only a 64-bit load",
		"call":                    "no function",
		"call kfunc#7+":           "not a number",
		"call helper#x":           "not a number",
		"r1 = map[fd:5][4]+8":     "after its end",
		".insn0x04 1 0 0 5":       "no instruction",
		"r1 = atomic_fetch_add((u64 *)(r2 +0), r1)": "another register or size",
	} {
		if _, _, err := Parse(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", line, err, want)
		}
	}
}

// Every opcode with every kind of operand has a text that stands for it alone.
func TestRoundTripEveryOpcode(t *testing.T) {
	numbers := []int32{0, 1, 8, 16, 32, 64, -1, 0x41, 0xe1, 0xf1, 0x100, 0x110, 1 << 30}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for op := range 256 {
			for _, n := range numbers {
				for _, off := range []int16{0, 1, 8, 16, -1} {
					i := Instruction{Op: byte(op), Dst: byte(n) & 15, Src: byte(n>>1) & 15, Off: off, Imm: n}
					roundTrip(t, i.Append(nil, order), order)
					i.Dst, i.Src = 1, 0
					roundTrip(t, i.Append(nil, order), order)
				}
			}
		}
	}
}

func roundTrip(t *testing.T, b []byte, order binary.ByteOrder) {
	t.Helper()
	i := Decode(b, order)
	text := i.Text("")
	back, name, err := Parse(text)
	if err != nil || name != "" || back != i {
		t.Fatalf("%+v is %q, which is %+v %q %v", i, text, back, name, err)
	}
	if got := back.Append(nil, order); !bytes.Equal(got, b[:len(got)]) {
		t.Fatalf("%q: % x became % x", text, b, got)
	}
}

func TestTarget(t *testing.T) {
	for _, tt := range []struct {
		text  string
		slots int
		ok    bool
		falls bool
	}{
		{"goto pc+2", 3, true, false},
		{"gotol pc-1", 0, true, false},
		{"if r1 == 0x0 goto pc+0", 1, true, true},
		{"call pc+4", 5, true, true},
		{"call bpf_loop", 0, false, true},
		{"exit", 0, false, false},
		{"r1 = 1", 0, false, true},
	} {
		i, _, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := i.Target(); n != tt.slots || ok != tt.ok || i.Falls() != tt.falls {
			t.Errorf("%q: target %d %v, falls %v", tt.text, n, ok, i.Falls())
		}
	}
}

// FuzzParse: no panic, and what is read is written back as it was meant.
func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add(s.text)
	}
	for _, line := range []string{"r1=\fmap[fd:", "r1 = &x\v", "call f\u0085", "\u00a0exit", "r0 = 1\r"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		i, operand, err := Parse(line)
		if err != nil {
			return
		}
		back, again, err := Parse(i.Text(operand))
		if err != nil || back != i || again != operand {
			t.Errorf("%q is %+v %q, which is %q, which is %+v %q %v", line, i, operand, i.Text(operand), back, again, err)
		}
	})
}

// FuzzDecode: any 16 bytes have a text that stands for them.
func FuzzDecode(f *testing.F) {
	for _, s := range samples {
		f.Add(s.insn.Append(nil, binary.LittleEndian), false)
		f.Add(s.insn.Append(nil, binary.BigEndian), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, isBig bool) {
		if len(b) < Size {
			return
		}
		order := binary.ByteOrder(binary.LittleEndian)
		if isBig {
			order = binary.BigEndian
		}
		roundTrip(t, b, order)
	})
}

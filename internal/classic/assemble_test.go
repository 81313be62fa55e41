package classic

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// fixture is a filter of testdata.
type fixture struct {
	name    string
	program []Instruction
}

// fixtures reads tcpdump's filters, and those that were written by hand.
func fixtures(t testing.TB) (all []fixture) {
	t.Helper()
	f, err := os.Open("testdata/filters.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		expression, text, _ := strings.Cut(lines.Text(), "\t")
		program, err := ParseNumbers(text)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		all = append(all, fixture{expression, program})
	}
	archive, err := txtar.ParseFile("testdata/assembly.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		program, _, err := Assemble(string(f.Data))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		all = append(all, fixture{f.Name, program})
	}
	return all
}

// TestRoundTrip makes the same numbers of what it has written of them, in every form.
func TestRoundTrip(t *testing.T) {
	all := fixtures(t)
	if len(all) < 300 {
		t.Errorf("%d filters, expected 300", len(all))
	}
	codes := make(map[uint16]bool)
	named := make(map[Extension]bool)
	for _, f := range all {
		text, err := Disassemble(f.program)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		for _, form := range []string{Format(f.program), FormatLines(f.program), FormatC(f.program)} {
			same(t, f.name, f.program, form)
		}
		for i := range f.program { // tcpdump leaves a K in tax
			f.program[i] = f.program[i].plain()
		}
		same(t, f.name, f.program, text)
		if err := Check(f.program); (err != nil) != (strings.HasPrefix(f.name, "never/") || strings.Contains(f.name, "protochain")) {
			t.Errorf("%s: %v", f.name, err)
		}
		for _, i := range f.program {
			codes[i.Code] = true
			if e, ok := i.Extension(); ok {
				named[e] = true
			}
		}
	}
	for _, o := range ops {
		if !codes[o.code] {
			t.Errorf("no filter has %s with code %#x", o.name, o.code)
		}
	}
	for _, n := range extensionNames {
		if !named[n.e] {
			t.Errorf("no filter has extension %v", n.e)
		}
	}
}

// same parses a text, of which the program must come.
func same(t *testing.T, name string, program []Instruction, text string) {
	t.Helper()
	again, _, err := Parse(text)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, text)
	}
	if diff := cmp.Diff(program, again); diff != "" {
		t.Errorf("%s: -want +got:\n%s\n%s", name, diff, text)
	}
}

// TestSpellings assembles every row of the table, and every name of an extension.
func TestSpellings(t *testing.T) {
	for _, o := range ops {
		operand := map[form][]string{
			formNone:     {""},
			formAbsolute: {"[7]", "[ 0x7 ]", "[007]", "[0b111]", "[+7]"},
			formIndirect: {"[x + 7]", "[x+7]", "[%x + 7]", "[X+ +7]"},
			formMemory:   {"M[7]", "m[7]", "M [ 7 ]"},
			formHex:      {"#7", "# 7", "#0x7", "#+7"},
			formSigned:   {"#7"},
			formDecimal:  {"#7"},
			formShift:    {"4*([7]&0xf)", "4 * ( [ 7 ] & 15 )"},
			formLength:   {"len", "#len", "#pktlen", "# LEN"},
			formX:        {"x", "%x", "X"},
			formA:        {"a", "%a"},
			formJump:     {""},
			formNumber:   {"#7", "7"},
		}[o.form]
		want := Instruction{Code: o.code}
		switch o.form {
		case formNone, formLength, formX, formA, formJump:
		default:
			want.K = 7
		}
		label := ""
		switch {
		case o.inverse:
			label, want.JF = ", there", 1
		case want.Conditional():
			label, want.JT = ", there", 1
		case o.form == formJump:
			label, want.K = "there", 1
		}
		for _, word := range []string{o.name, strings.ToUpper(o.name)} {
			for _, operand := range operand {
				text := fmt.Sprintf("%s %s%s\nret #0\nthere: ret #1", word, operand, label)
				program, lines, err := Assemble(text)
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				if diff := cmp.Diff(want, program[0]); diff != "" {
					t.Errorf("%s: -want +got:\n%s", text, diff)
				}
				if diff := cmp.Diff([]int{1, 2, 3}, lines); diff != "" {
					t.Errorf("%s: lines -want +got:\n%s", text, diff)
				}
			}
		}
	}
	for _, n := range extensionNames {
		for name := range strings.FieldsSeq(n.names) {
			for _, load := range []string{"ld", "ldh", "ldb"} {
				program, _, err := Assemble(load + " #" + name + "\n" + load + " " + strings.ToUpper(name))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if e, ok := program[0].Extension(); !ok || e != n.e || program[1] != program[0] {
					t.Errorf("%s: got %v", name, program)
				}
			}
		}
	}
}

func TestAssembleErrors(t *testing.T) {
	long := strings.Repeat("tax\n", MaxInstructions)
	for text, want := range map[string]string{
		"":                           "line 1: no instruction",
		"; nothing\n/* at\nall */\n": "line 4: no instruction",
		"foo":                        `line 1: "foo" is neither an instruction nor a label with a colon`,
		"ret":                        `line 1: ret takes #k or a or x, not the end`,
		"ret 5":                      "line 1: ret takes #k or a or x, not k",
		"ret #0\nldb #5":             "line 2: ldb takes [k] or an extension or [x + k], not #k",
		"ld y":                       `not "y"`,
		"ld #y":                      `not #"y"`,
		"ld %y":                      `not %"y"`,
		"st [3]":                     "line 1: st takes M[k], not [k] or an extension",
		"stx x":                      "line 1: stx takes M[k], not x",
		"ld [3":                      `line 1: the end in place of "]" in ld`,
		"ld [x]":                     `line 1: "]" in place of "+" in ld`,
		"ld [x + y]":                 `line 1: "y" in place of a number in ld`,
		"ld [y]":                     `line 1: "y" in place of a number in ld`,
		"ld #":                       "line 1: the end in place of a number in ld",
		"ld #-":                      "line 1: the end in place of a number in ld",
		"ldxb 3*([14]&0xf)":          "line 1: ldxb takes 4*([k]&0xf), not 3*([k]&0xf)",
		"ldx 4*([14]&0xff)":          "not 4*([k]&0xff)",
		"ldx 4*[14]":                 `line 1: "[" in place of "("`,
		"jeq #1":                     `line 1: the end in place of "," in jeq`,
		"jeq #1, ":                   "line 1: the end in place of a label",
		"jeq #1, 5":                  `line 1: "5" in place of a label`,
		"jeq #1, l1\nret #0":         `line 1: label "l1" is not there`,
		"jeq M[1], l1":               "line 1: jeq takes #k, label or x, label, not M[k]",
		"jne #1, l1, l2\nl1: ret #0": `line 1: "," in place of an instruction`,
		"l1: tax\njeq x, l1":         `line 2: label "l1" lies before the jump, where only ja can go`,
		"l1: jeq x, l1\nret #0":      `line 1: label "l1" lies before the jump, where only ja can go`,
		"jmp l1\nl1:":                `line 1: label "l1" has no instruction after it`,
		"l1: tax\nl1: tax":           `line 2: label "l1" twice`,
		"jmp 3":                      `line 1: "3" in place of a label`,
		"ret #4294967296":            `line 1: ret: "4294967296" does not fit in 32 bits`,
		"ret #-2147483649":           `"-2147483649" does not fit`,
		"ret #08":                    `"08" is not a number`,
		"ret #0xg":                   `"0xg" is not a number`,
		"ret #1_0":                   `"1_0" is not a number`,
		"ret #0o7":                   `"0o7" is not a number`,
		"ret #0\n@":                  `line 2: unexpected character "@"`,
		"ret #0\n\x00":               `line 2: unexpected character "\x00"`,
		"é: ret #0":                  `line 1: unexpected character "é"`,
		"ret #0 /* no end\n":         "line 1: the comment has no end",
		"7: ret #0":                  `line 1: "7" in place of an instruction or a label`,
		"x, ret #0":                  `"x" is neither an instruction`,
		long + "ret #0":              "line 4097: more than 4096 instructions",
		"jeq #1, f\n" + long[:4*256] + "f:ret #0": `line 1: label "f" is 256 instructions ahead, 255 is the farthest`,
	} {
		_, _, err := Assemble(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", text, err, want)
		}
	}
}

func TestAssembleText(t *testing.T) {
	const want = "5,40 0 0 12,21 0 2 2048,5 0 0 0,6 0 0 4294967295,6 0 0 0"
	for name, text := range map[string]string{
		"plain":           "ldh [12]\njeq #0x800, a1, a2\na1: jmp a3\na3: ret #-1\na2: ret #0\n",
		"one line":        "ldh [12] jeq #2048, a1, a2 a1: jmp a3 a3: ret #-1 a2: ret #0",
		"carriage return": "ldh [12]\r\njeq #0x800, a1, a2\r\na1: jmp a3\r\na3: ret #-1\r\na2: ret #0\r\n",
		"comments":        "# line 1 \"x.c\"\nldh [12]; get\njeq #04000, a1, /* or */ a2\n#ret #7\na1: jmp a3\na3: ret #-1\na2: ret #0 ; end",
		"spread":          "ldh\n[\n12\n]\njne #\n0x800,\na2\njmp a3\na3:\n\nret #0xffffffff\na2: ret #0",
		"two labels":      "ldh [12]\njneq #0x800, aa\na1: a4: jmp a3\na3: ret #-1\naa: a2: ret #0\n",
	} {
		program, _, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := Format(program); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func FuzzAssemble(f *testing.F) {
	for _, x := range fixtures(f) {
		if len(x.program) < 30 {
			text, _ := Disassemble(x.program)
			f.Add(text)
		}
	}
	f.Add("1,6 0 0 0")
	f.Add("{ 0x6, 0, 0, 1 },")
	f.Fuzz(func(t *testing.T, text string) {
		program, lines, err := Parse(text)
		if err != nil {
			return
		}
		if lines != nil && len(lines) != len(program) {
			t.Fatalf("%d lines of %d instructions", len(lines), len(program))
		}
		checked := Check(program)
		text, err = Disassemble(program)
		if err != nil {
			if checked == nil {
				t.Fatalf("good, and no text: %v", err)
			}
			return
		}
		for i := range program {
			program[i] = program[i].plain()
		}
		again, _, err := Assemble(text)
		if err != nil || !cmp.Equal(program, again) {
			t.Errorf("%v became %v, %v:\n%s", program, again, err, text)
		}
	})
}

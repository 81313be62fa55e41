package classic

import (
	"strings"
	"testing"
)

func TestDisassemble(t *testing.T) {
	for name, tt := range map[string]struct{ numbers, want string }{
		"forms": {
			"17,40 0 0 12,72 0 0 14,80 0 0 4294967292,0 0 0 17,1 0 0 18,96 0 0 3,97 0 0 4,177 0 0 14,128 0 0 0," +
				"129 0 0 0,2 0 0 1,4 0 0 4294967295,36 0 0 4294967295,32 0 0 4294963200,32 0 0 4294963240,132 0 0 0,22 0 0 0",
			`ldh [12]; ldh [x + 14]; ldb [x + -4]; ld #0x11; ldx #0x12; ld M[3]; ldx M[4]; ldxb 4*([14]&0xf); ld #len;
			 ldx #len; st M[1]; add #-1; mul #4294967295; ld #proto; ld [-4056]; neg; ret a`,
		},
		"jumps":   {"4,21 1 0 6,5 0 0 0,29 0 0 0,6 0 0 0", "jeq #0x6, l2, l1; l1: ja l2; l2: jeq x, l3, l3; l3: ret #0x0"},
		"ignored": {"2,7 0 0 9,6 3 4 1", "tax ; ignored: k 9; ret #0x1 ; ignored: jt 3 jf 4"},
	} {
		program, err := ParseNumbers(tt.numbers)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Disassemble(program)
		got = strings.Join(strings.Fields(strings.ReplaceAll(got, "\n", "; ")), " ")
		if want := strings.Join(strings.Fields(tt.want), " ") + ";"; err != nil || got != want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

func TestDisassembleErrors(t *testing.T) {
	for numbers, want := range map[string]string{
		"2,6 0 0 0,255 0 0 0": "instruction 1: no instruction has the code 0xff",
		"1,65535 0 0 0":       "instruction 0: no instruction has the code 0xffff",
		"2,21 0 1 0,6 0 0 0":  "instruction 0: jeq jumps to 2 of 2",
		"1,5 0 0 4294967290":  "instruction 0: ja jumps to 4294967291 of 1",
	} {
		program, err := ParseNumbers(numbers)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Disassemble(program); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", numbers, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"1,6 0 0 1":                            "",
		"1,7 0 0 0":                            "instruction 0 (tax): the last instruction must be a ret",
		"1,99 0 0 0":                           "instruction 0 (code 0x63): no instruction has this code",
		"2,0 0 0 1,14 0 0 0":                   "instruction 1 (ret x): no kernel returns x",
		"2,52 0 0 0,6 0 0 0":                   "instruction 0 (div #0): division by zero",
		"2,148 0 0 0,6 0 0 0":                  "instruction 0 (mod #0): division by zero",
		"2,100 0 0 32,6 0 0 0":                 "instruction 0 (lsh #32): a shift by more than 31 bits",
		"2,116 0 0 4294967295,6 0 0 0":         "(rsh #4294967295): a shift by more",
		"2,2 0 0 16,6 0 0 0":                   "instruction 0 (st M[16]): scratch memory has 16 words",
		"2,96 0 0 0,6 0 0 0":                   "instruction 0 (ld M[0]): reads a word that may not have been written",
		"3,2 0 0 1,97 0 0 1,6 0 0 0":           "",
		"2,21 1 0 5,6 0 0 0":                   "instruction 0 (jeq #0x5, +1, +0): jumps to 2 of 2",
		"2,5 0 0 4294967295,6 0 0 0":           "instruction 0 (ja -1): jumps back to 0: no kernel runs loops",
		"2,32 0 0 4294963264,6 0 0 0":          "instruction 0 (ld [-4032]): no extension has this offset",
		"2,32 0 0 4294963201,6 0 0 0":          "no extension has this offset",
		"2,32 0 0 4294963240,6 0 0 0":          "", // A ^= X
		"2,80 0 0 4294963201,6 0 0 0":          "", // [x - 4095]
		"4,21 0 1 0,2 0 0 2,96 0 0 2,22 0 0 0": "instruction 2 (ld M[2]): reads a word that may not",
	} {
		program, err := ParseNumbers(text)
		if err != nil {
			t.Fatal(err)
		}
		err = Check(program)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if err := Check(nil); err == nil {
		t.Error("nothing is no program")
	}
	if err := Check(make([]Instruction, MaxInstructions+1)); err == nil || !strings.Contains(err.Error(), "4097 instructions") {
		t.Error(err)
	}
}

func TestParseForms(t *testing.T) {
	for text, want := range map[string]string{
		"{ 0x6, 0, 0, 0x00040000 },\n{6,0,0,0},":        "",
		"{ 0x6, 0, 0, 1 }":                              "",
		"{ 0x6, 0, 0 },":                                "array element 0: \" 0x6, 0, 0 \" has 3 numbers",
		"{ 0x6, 0, 0, 1 }, x":                           `array: "x" in place of {`,
		"{ 0x6, 0, 0, 1":                                "has no }",
		"{ 6, 0, 256, 1 }":                              `array element 0: "256" is not a number below 256`,
		strings.Repeat("{6,0,0,0},", MaxInstructions+1): "array of more than 4096",
		" \r\n\t": "the text is empty",
		"5":       "announces 5 instructions and has 0",
	} {
		_, _, err := Parse(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

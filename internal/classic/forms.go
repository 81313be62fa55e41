package classic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a program in any of its forms: the numbers of tc or tcpdump
// ([ParseNumbers]), a C array ([ParseC]), or the text that [Assemble] reads. For
// the last, lines says where each instruction stands; for the others it is nil.
func Parse(text string) (program []Instruction, lines []int, err error) {
	start := strings.TrimLeft(text, " \t\r\n,")
	switch {
	case strings.TrimSpace(start) == "":
		return nil, nil, errors.New("no instruction: the text is empty")
	case start[0] >= '0' && start[0] <= '9':
		program, err = ParseNumbers(text)
	case start[0] == '{':
		program, err = ParseC(text)
	default:
		return Assemble(text)
	}
	return program, nil, err
}

// ParseNumbers reads a program as tc(8) has it, "N,c t f k,c t f k,", or as
// "tcpdump -ddd" prints it, with lines in place of commas: the number of
// instructions, then Code, JT, JF and K of each, all in decimal. It does not
// check what the instructions do.
func ParseNumbers(text string) ([]Instruction, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' })
	for len(words) > 0 && strings.TrimSpace(words[len(words)-1]) == "" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("bytecode is empty, expected a number of instructions and as many of them")
	}
	count, err := strconv.ParseUint(strings.TrimSpace(words[0]), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("bytecode begins with %.20q, expected the number of its instructions", words[0])
	}
	if count == 0 || count > MaxInstructions {
		return nil, fmt.Errorf("bytecode of %d instructions, expected 1 to %d", count, MaxInstructions)
	}
	words = words[1:]
	if uint64(len(words)) != count {
		return nil, fmt.Errorf("bytecode announces %d instructions and has %d", count, len(words))
	}
	program := make([]Instruction, count)
	for i, w := range words {
		if program[i], err = parseFields(strings.Fields(w), w, 10); err != nil {
			return nil, fmt.Errorf("bytecode instruction %d: %w", i, err)
		}
	}
	return program, nil
}

func parseFields(fields []string, text string, base int) (Instruction, error) {
	if len(fields) != 4 {
		return Instruction{}, fmt.Errorf("%.60q has %d numbers, expected code, jt, jf and k", text, len(fields))
	}
	var v [4]uint64
	for i, bits := range []int{16, 8, 8, 32} {
		var err error
		if v[i], err = strconv.ParseUint(fields[i], base, bits); err != nil {
			return Instruction{}, fmt.Errorf("%.20q is not a number below %d", fields[i], uint64(1)<<bits)
		}
	}
	return Instruction{uint16(v[0]), uint8(v[1]), uint8(v[2]), uint32(v[3])}, nil
}

// ParseC reads the initialiser of an array of struct sock_filter, "{ 0x28, 0,
// 0, 0x0000000c },…", as "tcpdump -dd" and "bpf_asm -c" print it.
func ParseC(text string) (program []Instruction, err error) {
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeft(rest, ", \t\r\n") {
		if rest[0] != '{' {
			return nil, fmt.Errorf("array: %.20q in place of {", rest)
		}
		row, after, ok := strings.Cut(rest[1:], "}")
		if !ok {
			return nil, fmt.Errorf("array: %.20q has no }", rest)
		}
		if len(program) == MaxInstructions {
			return nil, fmt.Errorf("array of more than %d instructions", MaxInstructions)
		}
		fields := strings.FieldsFunc(row, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
		i, err := parseFields(fields, row, 0)
		if err != nil {
			return nil, fmt.Errorf("array element %d: %w", len(program), err)
		}
		program, rest = append(program, i), after
	}
	return program, nil
}

// Format is the inverse of [ParseNumbers], in tc's form.
func Format(program []Instruction) string { return join(program, ",") }

// FormatLines is the inverse of [ParseNumbers], in the form of tcpdump.
func FormatLines(program []Instruction) string { return join(program, "\n") + "\n" }

func join(program []Instruction, mark string) string {
	b := strconv.AppendInt(nil, int64(len(program)), 10)
	for _, i := range program {
		b = fmt.Appendf(b, "%s%d %d %d %d", mark, i.Code, i.JT, i.JF, i.K)
	}
	return string(b)
}

// FormatC is the inverse of [ParseC], to the byte as "tcpdump -dd" prints it.
func FormatC(program []Instruction) string {
	var b []byte
	for _, i := range program {
		b = fmt.Appendf(b, "{ 0x%x, %d, %d, 0x%08x },\n", i.Code, i.JT, i.JF, i.K)
	}
	return string(b)
}

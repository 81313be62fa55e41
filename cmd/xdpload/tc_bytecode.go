package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// bytecodeRequest is a program of classic BPF, as text or in a file.
type bytecodeRequest struct {
	Program []netlink.Instruction
	File    string
}

func (r *bytecodeRequest) grammar() []*grammar.Node {
	text := func(word string) (err error) {
		r.Program, err = parseBytecode(word)
		return err
	}
	return []*grammar.Node{
		grammar.Key("bytecode", "TEXT", text).Alias("bc").
			Help("run classic BPF: \"N,CODE JT JF K,…\", in decimal"),
		grammar.Key("bytecode-file", "FILE", grammar.String(&r.File)).Alias("bcf").Completes(grammar.File).
			Help("run the classic BPF in a file, such as tcpdump -ddd prints; - is standard input"),
	}
}

// given reports whether a classic program was asked for.
func (r *bytecodeRequest) given() bool { return r.Program != nil || r.File != "" }

// read returns the instructions.
func (r *bytecodeRequest) read(e *env) ([]netlink.Instruction, error) {
	if r.File == "" {
		return r.Program, nil
	}
	in := e.stdin
	if r.File != "-" {
		f, err := os.Open(r.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxBytecodeText))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	program, err := parseBytecode(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	return program, nil
}

// maxBytecodeText is more than 4096 instructions take.
const maxBytecodeText = 1 << 20

// parseBytecode reads a count and that many instructions of four numbers,
// between commas or on lines of their own.
func parseBytecode(text string) ([]netlink.Instruction, error) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' })
	if len(parts) == 0 {
		return nil, errors.New("no instructions")
	}
	count, err := strconv.ParseUint(strings.TrimSpace(parts[0]), 10, 16)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a number of instructions", parts[0])
	case count == 0:
		return nil, errors.New("a program of 0 instructions")
	case count > netlink.MaxInstructions:
		return nil, fmt.Errorf("%d instructions are more than the %d that the kernel takes", count, netlink.MaxInstructions)
	}
	var program []netlink.Instruction
	for _, part := range parts[1:] {
		if strings.TrimSpace(part) == "" {
			continue
		}
		i, err := parseInstruction(part)
		if err != nil {
			return nil, fmt.Errorf("instruction %d, %q: %w", len(program), part, err)
		}
		program = append(program, i)
	}
	switch n := len(program); {
	case n < int(count):
		return nil, fmt.Errorf("%d instructions announced, only %d given", count, n)
	case n > int(count):
		return nil, fmt.Errorf("%d instructions announced, %d given", count, n)
	}
	return program, nil
}

func parseInstruction(text string) (i netlink.Instruction, err error) {
	words := strings.Fields(text)
	if len(words) != 4 {
		return i, errors.New("not the four numbers CODE JT JF K")
	}
	for n, set := range []func(string) error{
		grammar.Number(&i.Code, 0, 1<<16-1), grammar.Number(&i.JT, 0, 1<<8-1),
		grammar.Number(&i.JF, 0, 1<<8-1), grammar.Number(&i.K, 0, 1<<32-1),
	} {
		if err := set(words[n]); err != nil {
			return i, fmt.Errorf("%s: %w", words[n], err)
		}
	}
	return i, nil
}

// bytecodeReport is a classic program.
type bytecodeReport struct {
	Length int                   `json:"length"`
	Insns  []netlink.Instruction `json:"insns"`
}

func reportBytecode(program []netlink.Instruction) *bytecodeReport {
	if len(program) == 0 {
		return nil
	}
	return &bytecodeReport{Length: len(program), Insns: program}
}

// String is what tc prints, and reads.
func (r *bytecodeReport) String() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(r.Length))
	for _, i := range r.Insns {
		fmt.Fprintf(&b, ",%d %d %d %d", i.Code, i.JT, i.JF, i.K)
	}
	return b.String()
}

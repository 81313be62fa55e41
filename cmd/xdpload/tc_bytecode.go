package main

import (
	"fmt"
	"io"
	"os"

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
		r.Program, err = netlink.ParseBytecode(word)
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
	program, err := netlink.ParseBytecode(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	return program, nil
}

// maxBytecodeText is more than 4096 instructions take.
const maxBytecodeText = 1 << 20

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
func (r *bytecodeReport) String() string { return netlink.FormatBytecode(r.Insns) }

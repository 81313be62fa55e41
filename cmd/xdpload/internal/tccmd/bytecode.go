package tccmd

import (
	"fmt"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// bytecodeRequest is a program of classic BPF, as text or in a file.
type bytecodeRequest struct {
	Program []netlink.Instruction
	File    string
}

func (r *bytecodeRequest) Grammar() []*grammar.Node {
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
func (r *bytecodeRequest) read(e *env.Env) ([]netlink.Instruction, error) {
	if r.File == "" {
		return r.Program, nil
	}
	in, err := e.Input(r.File)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, subject.MaxBytecodeText))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	program, err := netlink.ParseBytecode(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	return program, nil
}

package tccmd

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// codeRequest is what a filter or an action runs: a program, or classic BPF.
type codeRequest struct {
	Program  subject.ProgramRequest
	Bytecode bytecodeRequest
}

// Grammar is BPFSPEC as tc-bpf(8) has it.
func (r *codeRequest) Grammar() *grammar.Node {
	export := grammar.Key("export", "SOCKET", grammar.String(&r.Program.Export)).Completes(grammar.File).
		Help("send the maps to \"tc exec bpf import SOCKET\" before the program is attached")
	return grammar.Alt(append(r.Bytecode.Grammar(), r.Program.Grammar(export)...)...).Named("PROGRAM")
}

// given reports whether there is something to run.
func (r *codeRequest) given() bool {
	return r.Bytecode.given() || r.Program.File != "" || r.Program.FD != nil || r.Program.Loaded != subject.ProgRef{}
}

// filterName is the text by which a filter or action shows its program, see
// [attach.FilterName]. Classic BPF has none.
func filterName(r *subject.ProgramRequest, e *env.Env, t ebpf.ProgramType) (string, error) {
	switch {
	case r.FD != nil, r.Loaded != subject.ProgRef{}:
		return attach.FilterName(r.Name(), "*fsobj"), nil
	case r.File == "":
		return "", nil
	}
	section, err := section(r, e, t)
	return attach.FilterName(r.File, section), err
}

// section is that of the program which is chosen.
func section(r *subject.ProgramRequest, e *env.Env, t ebpf.ProgramType) (string, error) {
	if r.Section != "" {
		return r.Section, nil
	}
	obj, err := r.Object(e)
	if err != nil {
		return "", err
	}
	p, err := obj.Program(r.Selector(t))
	if err != nil {
		return "", err
	}
	return p.Section, nil
}

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

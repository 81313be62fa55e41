package bytecodecmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/grammar"
)

// filterFile is a program of classic BPF: a file, standard input, or the word
// itself.
type filterFile struct{ Word string }

func (r *filterFile) Grammar() *grammar.Node {
	return filterNode(grammar.String(&r.Word))
}

func filterNode(set func(string) error) *grammar.Node {
	return grammar.Value("FILTER", set).Completes(grammar.File).
		Help("classic BPF: a file, - for standard input, or the text itself; in bpf_asm's syntax, in the form of tc (\"N,c t f k,…\"), or as \"tcpdump -ddd\" or \"tcpdump -dd\" prints it. Without it standard input is read")
}

// Name is what the filter is called in messages.
func (r *filterFile) Name() string {
	switch {
	case r.Word == "" || r.Word == "-":
		return "standard input"
	case strings.ContainsAny(r.Word, ", \n"):
		return "filter"
	}
	return r.Word
}

// read returns the program, which a kernel would run.
func (r *filterFile) read(e *env.Env) ([]classic.Instruction, error) {
	program, lines, err := r.parse(e)
	if err == nil {
		err = inLine(classic.Check(program), lines)
	}
	return program, r.Failed(err)
}

// Failed names the filter, once.
func (r *filterFile) Failed(err error) error {
	if _, named := errors.AsType[*fs.PathError](err); err == nil || named {
		return err
	}
	return fmt.Errorf("%s: %w", r.Name(), err)
}

// parse returns the program, and where its instructions stand in a text.
func (r *filterFile) parse(e *env.Env) ([]classic.Instruction, []int, error) {
	text, err := r.text(e)
	if err != nil {
		return nil, nil, err
	}
	return classic.Parse(text)
}

func (r *filterFile) text(e *env.Env) (string, error) {
	in, err := e.Input(cmp.Or(r.Word, "-"))
	switch {
	case err != nil && r.Name() != r.Word:
		return r.Word, nil
	case err != nil:
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, subject.MaxBytecodeText+1))
	if err == nil && len(b) > subject.MaxBytecodeText {
		err = fmt.Errorf("more than %d bytes are not a filter", subject.MaxBytecodeText)
	}
	return string(b), err
}

// inLine says in which line of a text the instruction stands that is refused.
func inLine(err error, lines []int) error {
	if c, ok := errors.AsType[*classic.CheckError](err); ok && lines != nil {
		return &classic.SyntaxError{Line: lines[c.At], Err: fmt.Errorf("%v: %w", c.Instruction, c.Err)}
	}
	return err
}

package main

import (
	"context"
	"io"

	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// filterForm is one of the forms in which numbers stand for a filter.
type filterForm string

const (
	formTC      filterForm = "tc"
	formTcpdump filterForm = "tcpdump"
	formC       filterForm = "c"
)

type bytecodeAsmRequest struct {
	Filter filterFile
	Form   filterForm
	Output outputFile
}

func bytecodeAsmCommand() command {
	return command{
		Name:    "bytecode asm|assemble",
		Summary: "assemble classic BPF",
		Description: `Makes of a filter in the syntax of the kernel's bpf_asm the numbers that tc, sockets and iptables take. It also turns the forms of tcpdump and tc into each other. What no kernel would run is refused, with its line: a jump out of the program, a division by zero, a word of scratch memory that nothing has written.

With -json it is a list of the instructions, as in "tc -json filter show".`,
		Examples: []grammar.Example{
			{Line: `xdpload tc filter add dev eth0 ingress bpf bytecode "$(xdpload bytecode asm web.asm)" action drop`, Help: "drop what a filter of your own accepts"},
			{Line: "tcpdump -ddd 'tcp port 80' | xdpload bytecode asm form c", Help: "an array for a C program"},
		},
		New: func() (*grammar.Node, request) {
			r := &bytecodeAsmRequest{Form: formTC}
			return grammar.Any(
				grammar.Word("form", grammar.Alt(
					grammar.Const("tc", &r.Form, formTC).Help("one line, as tc has it (the default)"),
					grammar.Const("tcpdump", &r.Form, formTcpdump).Help("a line for each instruction, as \"tcpdump -ddd\" prints"),
					grammar.Const("c", &r.Form, formC).Help("the elements of an array of struct sock_filter"),
				)).Help("how the numbers are written"),
				textOutput(&r.Output),
				r.Filter.grammar(),
			), r
		},
	}
}

// textOutput is -o of a command that prints without it.
func textOutput(o *outputFile) *grammar.Node {
	return o.grammar().Help("write to this file, which must not be there unless -force is given; - is standard output, as without it")
}

// writeText writes to the file that was asked for, and otherwise returns the report.
func (o *outputFile) writeText(e *env, report render.Texter) (any, error) {
	if o.File == "" || o.File == "-" {
		return report, nil
	}
	b, err := textOf("", func(w io.Writer) error { return report.WriteText(w, e.Options) })
	if err != nil {
		return nil, err
	}
	return nil, o.write(e, []byte(b.Text))
}

func (r *bytecodeAsmRequest) run(_ context.Context, e *env) (any, error) {
	program, err := r.Filter.read(e)
	if err != nil {
		return nil, err
	}
	return r.Output.writeText(e, &asmReport{bytecodeReport: *reportBytecode(program), form: r.Form})
}

// asmReport is a program in one of its forms.
type asmReport struct {
	bytecodeReport
	form filterForm
}

// WriteText writes the program as numbers.
func (r *asmReport) WriteText(w io.Writer, _ render.Options) error {
	var text string
	switch r.form {
	case formTcpdump:
		text = classic.FormatLines(r.Insns)
	case formC:
		text = classic.FormatC(r.Insns)
	default:
		text = classic.Format(r.Insns) + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

type bytecodeDisasmRequest struct {
	Filter filterFile
	Output outputFile
}

func bytecodeDisasmCommand() command {
	return command{
		Name:        "bytecode disasm|dump",
		Summary:     "show classic BPF in words",
		Description: `Writes a filter in the syntax of the kernel's bpf_asm; "bytecode asm" makes the same numbers of it. What an instruction has set that the kernel ignores stands in a comment.`,
		Examples: []grammar.Example{
			{Line: "tcpdump -ddd 'tcp port 80' | xdpload bytecode disasm", Help: "what tcpdump compiles an expression to"},
			{Line: `xdpload bytecode disasm "4,40 0 0 12,21 0 1 2048,6 0 0 4294967295,6 0 0 0"`, Help: "a filter that tc shows"},
		},
		New: func() (*grammar.Node, request) {
			r := new(bytecodeDisasmRequest)
			return grammar.Any(textOutput(&r.Output), r.Filter.grammar()), r
		},
	}
}

func (r *bytecodeDisasmRequest) run(_ context.Context, e *env) (any, error) {
	program, _, err := r.Filter.parse(e)
	text := ""
	if err == nil {
		text, err = classic.Disassemble(program)
	}
	if err != nil {
		return nil, r.Filter.failed(err)
	}
	return r.Output.writeText(e, &textReport{File: r.Filter.name(), Text: text})
}

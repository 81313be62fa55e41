package bytecodecmd

import (
	"context"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// A filterForm writes the numbers that stand for a filter.
type filterForm func([]classic.Instruction) string

func formTC(program []classic.Instruction) string { return classic.Format(program) + "\n" }

type bytecodeAsmRequest struct {
	Filter filterFile
	Form   filterForm
	Output subject.OutputFile
}

// Asm is the command bytecode asm, which makes numbers of text.
func Asm() env.Command {
	return env.Command{
		Name:    "bytecode asm|assemble",
		Options: "replace",
		Summary: "assemble classic BPF",
		Description: `Turns a filter in the syntax of the kernel's bpf_asm into the numbers that tc, sockets and iptables take. It also converts between the forms of tcpdump and tc. What no kernel would run is refused, with its line: a jump out of the program, a division by zero, a word of scratch memory that nothing has written.

With -json it is a list of the instructions, as in "tc -json filter show".`,
		Examples: []grammar.Example{
			{Line: `xdpload tc filter add dev eth0 ingress bpf bytecode "$(xdpload bytecode asm web.asm)" action drop`, Help: "drop what a filter of your own accepts"},
			{Line: "tcpdump -ddd 'tcp port 80' | xdpload bytecode asm form c", Help: "an array for a C program"},
		},
		New: env.New(func(r *bytecodeAsmRequest) *grammar.Node {
			r.Form = formTC
			return grammar.Any(
				grammar.Word("form", grammar.Alt(
					grammar.Const("tc", &r.Form, formTC).Help("one line, as tc has it (the default)"),
					grammar.Const("tcpdump", &r.Form, classic.FormatLines).Help("a line for each instruction, as \"tcpdump -ddd\" prints"),
					grammar.Const("c", &r.Form, classic.FormatC).Help("the elements of an array of struct sock_filter"),
				)).Help("how the numbers are written"),
				textOutput(&r.Output),
				r.Filter.Grammar(),
			)
		}),
	}
}

// textOutput is -o of a command that prints without it.
func textOutput(o *subject.OutputFile) *grammar.Node {
	return o.Grammar().Help("write to this file, which must not be there unless -force is given; - is standard output, as without it")
}

// writeText writes to the file that was asked for, and otherwise returns the report.
func writeText(o *subject.OutputFile, e *env.Env, report render.Texter) (any, error) {
	if o.File == "" || o.File == "-" {
		return report, nil
	}
	var t render.Text
	report.WriteText(&t, e.Options)
	return nil, o.Write(e, t.Bytes())
}

func (r *bytecodeAsmRequest) Run(_ context.Context, e *env.Env) (any, error) {
	program, err := r.Filter.read(e)
	if err != nil {
		return nil, err
	}
	return writeText(&r.Output, e, &asmReport{BytecodeReport: *subject.ReportBytecode(program), form: r.Form})
}

// asmReport is a program in one of its forms.
type asmReport struct {
	subject.BytecodeReport
	form filterForm
}

// WriteText writes the program as numbers.
func (r *asmReport) WriteText(t *render.Text, _ render.Options) {
	t.AsIs()
	t.WriteString(r.form(r.Insns))
}

type bytecodeDisasmRequest struct {
	Filter filterFile
	Output subject.OutputFile
}

// Disasm is the command bytecode disasm, which makes text of numbers.
func Disasm() env.Command {
	return env.Command{
		Name:        "bytecode disasm|dump",
		Options:     "replace",
		Summary:     "show classic BPF in words",
		Description: `Writes a filter in the syntax of the kernel's bpf_asm; "bytecode asm" turns that back into the same numbers. Fields of an instruction that the kernel ignores are in a comment.`,
		Examples: []grammar.Example{
			{Line: "tcpdump -ddd 'tcp port 80' | xdpload bytecode disasm", Help: "what tcpdump compiles an expression to"},
			{Line: `xdpload bytecode disasm "4,40 0 0 12,21 0 1 2048,6 0 0 4294967295,6 0 0 0"`, Help: "a filter that tc shows"},
		},
		New: env.New(func(r *bytecodeDisasmRequest) *grammar.Node {
			return grammar.Any(textOutput(&r.Output), r.Filter.Grammar())
		}),
	}
}

func (r *bytecodeDisasmRequest) Run(_ context.Context, e *env.Env) (any, error) {
	program, _, err := r.Filter.parse(e)
	text := ""
	if err == nil {
		text, err = classic.Disassemble(program)
	}
	if err != nil {
		return nil, r.Filter.Failed(err)
	}
	return writeText(&r.Output, e, &subject.TextReport{File: r.Filter.Name(), Text: text})
}

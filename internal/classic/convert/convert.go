package convert

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/classic"
)

// Object makes an object file with one program of the filter. The errors are
// those of [Listing], and of a filter that grows longer than jumps reach.
func Object(filter []classic.Instruction, o Options) ([]byte, error) {
	text, err := Listing(filter, o)
	if err != nil {
		return nil, err
	}
	image, err := listing.Assemble(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the filter grows too long: %w", err)
	}
	return image, nil
}

// Listing is the text of which [Object] makes an object file. The filter is one
// that the kernel takes ([classic.Check]). An instruction that the hook cannot run is a
// [*classic.CheckError].
func Listing(filter []classic.Instruction, o Options) (string, error) {
	if err := classic.Check(filter); err != nil {
		return "", err
	}
	c := &converter{Options: o, filter: filter, flow: newFlow(filter, o.Hook)}
	c.head()
	for at, i := range filter {
		if !c.flow.reached[at] {
			continue // the verifier wants nothing that is never run
		}
		if c.flow.target[at] {
			fmt.Fprintf(&c.text, "%s:\n", label(at))
		}
		fmt.Fprintf(&c.text, "; %v\n", i)
		if err := c.instruction(at, i); err != nil {
			return "", &classic.CheckError{At: at, Instruction: i, Err: err}
		}
	}
	if c.rejects {
		c.text.WriteString("rest:\n")
		c.leave(o.Rest)
	}
	c.text.WriteString(".section license progbits wa 1\n\t.byte 47 50 4c 00\n")
	return c.text.String(), nil
}

// converter writes a listing. In the program, r0 is A, r9 is X, r6 the context,
// r7 and r8 the packet's start and end; scratch memory is the stack.
type converter struct {
	Options
	filter  []classic.Instruction
	flow    *flow
	text    bytes.Buffer
	rejects bool // something goes to the label rest

	protocols int // how many labels of that kind there are
}

func label(at int) string { return fmt.Sprintf("l%d", at) }

// emit writes instructions, each by the words of package insn.
func (c *converter) emit(lines ...string) {
	for _, l := range lines {
		c.text.WriteString("\t" + l + "\n")
	}
}

func (c *converter) emitf(format string, args ...any) { c.emit(fmt.Sprintf(format, args...)) }

// reject is where a packet goes that is not accepted.
func (c *converter) reject() string {
	c.rejects = true
	return "rest"
}

// leave ends the program.
func (c *converter) leave(v Verdict) {
	c.emitf("w0 = %d", v)
	c.emit("exit")
}

func (c *converter) head() {
	order := "little" // as this machine's: the kernel loads no other
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = "big"
	}
	fmt.Fprintf(&c.text, ".endian %s\n.section %s progbits ax 8\n.function %s\n",
		order, c.Hook.section(), cmp.Or(c.Name, "classic_filter"))
	c.emit("r6 = r1")
	c.bounds()
	if c.Hook == TC {
		c.linear()
	}
	c.emit("w0 = 0", "w9 = 0")
}

// instruction writes one instruction of the filter.
func (c *converter) instruction(at int, i classic.Instruction) error {
	switch i.Class() {
	case classic.LD, classic.LDX:
		return c.load(i)
	case classic.ST:
		c.emitf("*(u32 *)(r10 %d) = r0", memory(i.K))
	case classic.STX:
		c.emitf("*(u32 *)(r10 %d) = r9", memory(i.K))
	case classic.ALU:
		c.arithmetic(i)
	case classic.JMP:
		c.jump(at, i)
	case classic.RET:
		c.ret(i)
	case classic.MISC:
		if i.Code == classic.MISC|classic.TAX {
			c.emit("w9 = w0")
		} else {
			c.emit("w0 = w9")
		}
	}
	return nil
}

// memory is where on the stack a word of scratch memory is.
func memory(k uint32) int { return -4 * (int(k) + 1) }

// operators are those of class ALU, by the upper four bits of the code.
var operators = [...]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^="}

func (c *converter) arithmetic(i classic.Instruction) {
	op := i.Operator()
	switch {
	case op == classic.NEG:
		c.emit("w0 = -w0")
	case i.Code&classic.X == 0:
		c.emitf("w0 %s %d", operators[op>>4], int32(i.K))
	default:
		if op == classic.DIV || op == classic.MOD {
			c.emitf("if w9 == 0x0 goto %s", c.reject())
		}
		c.emitf("w0 %s w9", operators[op>>4])
	}
}

func (c *converter) ret(i classic.Instruction) {
	switch {
	case i.Code&0x18 == classic.A:
		c.emitf("if w0 == 0x0 goto %s", c.reject())
		c.leave(c.Match)
	case i.K == 0:
		c.leave(c.Rest)
	default:
		c.leave(c.Match)
	}
}

// comparisons are those of class JMP by the upper four bits of the code, and
// their opposites.
var comparisons = [...]struct{ is, not string }{1: {"==", "!="}, 2: {">", "<="}, 3: {">=", "<"}, 4: {"&", ""}}

func (c *converter) jump(at int, i classic.Instruction) {
	to := c.flow.next[at]
	if len(to) == 1 {
		c.goTo(at, to[0])
		return
	}
	operand := "w9"
	if i.Code&classic.X == 0 {
		operand = fmt.Sprintf("%#x", i.K)
	}
	op := comparisons[i.Operator()>>4]
	if to[0] == at+1 && op.not != "" {
		c.emitf("if w0 %s %s goto %s", op.not, operand, label(to[1]))
		return
	}
	c.emitf("if w0 %s %s goto %s", op.is, operand, label(to[0]))
	c.goTo(at, to[1])
}

func (c *converter) goTo(at, to int) {
	if to != at+1 {
		c.emitf("goto %s", label(to))
	}
}

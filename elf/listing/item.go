package listing

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Item is an instruction of a listing, and what stands around it.
type Item struct {
	Function string     // that begins here, "" for none
	Lines    []elf.Line // of the source that begin here
	Label    string     // that jumps go to, "" for none
	Offset   uint64     // bytes from the start of the code
	Bytes    []byte     // of the instruction
	Text     string     // of the instruction, see [insn.Instruction.Text]
	Remark   string     // "" for none
}

// Code is instructions without an object around them, such as those that the
// kernel gives back.
type Code struct {
	Data      []byte
	Order     binary.ByteOrder
	Functions map[uint64]string     // names by offset
	Lines     map[uint64][]elf.Line // by offset
	// Name, if not nil, returns what stands for the operand of the instruction at an offset,
	// "" for the operand itself, and a remark.
	Name func(at uint64, i insn.Instruction) (operand, remark string)
}

// Items returns the instructions in order. Bytes at the end that are no
// instruction are left out.
func (c *Code) Items() []Item {
	items := make([]Item, 0, len(c.Data)/insn.Size)
	names := labels(c.Data, 0, c.Order, 0)
	for at, i := range insn.All(c.Data, c.Order) {
		bytes := c.Data[at:][:i.Slots()*insn.Size]
		item := Item{Function: c.Functions[at], Lines: c.Lines[at], Label: names[at], Offset: at, Bytes: bytes}
		if text, ok := jump(i, at, names); ok {
			item.Text = text
		} else {
			operand := ""
			if c.Name != nil {
				operand, item.Remark = c.Name(at, i)
			}
			item.Text = i.Text(operand)
		}
		items = append(items, item)
	}
	return items
}

// Write writes the item as a listing has it. Raw adds the offset and the bytes
// of the instruction.
func (i *Item) Write(w *bufio.Writer, raw bool) {
	if i.Function != "" {
		fmt.Fprintf(w, ".function %s\n", i.Function)
	}
	i.around(w)
	i.itself(w, raw)
}

// around writes what stands before the instruction.
func (i *Item) around(w *bufio.Writer) {
	WriteLines(w, i.Lines)
	if i.Label != "" {
		fmt.Fprintf(w, "%s:\n", i.Label)
	}
}

// WriteLines writes lines of the source as a listing has them, but not what the
// compiler made by itself.
func WriteLines(w *bufio.Writer, lines []elf.Line) {
	for _, l := range lines {
		if l.Line != 0 {
			text := fmt.Sprintf("; %s:%d %s", naming.OneLine(l.File), l.Line, naming.OneLine(l.Text))
			fmt.Fprintf(w, "\t%s\n", strings.TrimRight(text, " "))
		}
	}
}

func (i *Item) itself(w *bufio.Writer, raw bool) {
	remark := i.Remark
	if raw {
		remark = join(fmt.Sprintf("%04x: % x", i.Offset, i.Bytes), remark)
	}
	if remark != "" {
		fmt.Fprintf(w, "\t%-40s; %s\n", i.Text, naming.OneLine(remark))
		return
	}
	fmt.Fprintf(w, "\t%s\n", i.Text)
}

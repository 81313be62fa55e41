package progcmd

import (
	"bufio"
	"cmp"
	"fmt"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/render"
)

// WriteText prints a listing, whose remarks follow semicolons.
func (r *codeReport) WriteText(t *render.Text, _ render.Options) {
	t.AsIs()
	r.heading(t)
	b := bufio.NewWriter(t)
	for n := range r.Functions {
		f := &r.Functions[n]
		for i := range f.items {
			item := &f.items[i]
			if !f.options.Source {
				item.Lines = nil
			}
			item.Write(b, f.options.Raw)
		}
		if f.machine != nil {
			f.writeMachine(b)
		}
	}
	_ = b.Flush() // which cannot fail
}

// TextSize is about the size of the text: three times that of machine code, and a
// little more than that of instructions.
func (r *codeReport) TextSize() int { return max(4*r.JITedSize, 2*r.XlatedSize) }

func (r *codeReport) heading(t *render.Text) {
	t.Printf("; id %d %s %s tag %s: %s", r.ID, r.Type, cmp.Or(r.Name, "-"), r.Tag, subject.Count(r.XlatedSize/insn.Size, "instruction slot"))
	t.If(r.JITedSize > 0, ", %s of machine code", subject.Count(r.JITedSize, "byte"))
	t.WriteByte('\n')
	t.If(r.Hidden, "; the kernel hides the addresses of what is called: they are shown to CAP_SYSLOG, unless kernel.kptr_restrict is 2\n")
}

func (f *codeFunction) writeMachine(b *bufio.Writer) {
	fmt.Fprintf(b, ".function %-30s; at %#x, %s\n", f.Name, f.Address, subject.Count(f.Size, "byte"))
	for n := range f.machine {
		i := &f.machine[n]
		if f.options.Source {
			listing.WriteLines(b, i.Lines)
		}
		if i.Label != "" {
			fmt.Fprintf(b, "%s:\n", i.Label)
		}
		text := i.Text(i.Goes)
		if f.options.Raw {
			fmt.Fprintf(b, "\t%4x: %-40s; % x\n", i.Offset, text, i.Bytes)
			continue
		}
		fmt.Fprintf(b, "\t%4x: %s\n", i.Offset, text)
	}
}

//go:build !guest

package elfcmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/elf/diff"
	"github.com/xdpload/xdpload/elf/graph"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/elf/rewrite"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// growing are objects that are made to cost more than they are large.
var growing = map[string]func(b *strings.Builder, n int){
	"each function calls the next": func(b *strings.Builder, n int) {
		b.WriteString(".section xdp progbits ax 8\n")
		for i := range n {
			fmt.Fprintf(b, ".function f%d\n\tcall f%d\n\texit\n", i, (i+1)%n)
		}
	},
	"each section calls the next": func(b *strings.Builder, n int) {
		for i := range n {
			fmt.Fprintf(b, ".section \"xdp/%d\" progbits ax 8\n.function f%d\n\tcall f%d\n\texit\n", i, i, (i+1)%n)
		}
	},
	"all call one with many helpers": func(b *strings.Builder, n int) {
		b.WriteString(".section .text progbits ax 8\n.function f\n")
		for i := range n {
			fmt.Fprintf(b, "\tcall helper#%d\n", 1000+i)
		}
		b.WriteString("\texit\n.section xdp progbits ax 8\n")
		for i := range n {
			fmt.Fprintf(b, ".function f%d\n\tcall f\n\texit\n", i)
		}
	},
	"many tail calls": func(b *strings.Builder, n int) {
		// type, key, value, entries, flags, id, pinning, inner id, inner index
		fmt.Fprintf(b, ".section maps progbits wa 4\n.object jmp size 36\n\t.byte 03 00 00 00 04 00 00 00 04 00 00 00 00 00 01 00\n\t.byte 00 00 00 00 07 00 00 00\n\t.zero 12\n")
		b.WriteString(".section xdp progbits ax 8\n.function entry\n\tr2 = map[jmp]\n\texit\n")
		for i := range n {
			fmt.Fprintf(b, ".section \"7/%d\" progbits ax 8\n.function f%d\n\tr2 = map[jmp]\n\texit\n", i, i)
		}
	},
}

func grown(t *testing.T, shape func(*strings.Builder, int), n int) *elf.Object {
	t.Helper()
	var text strings.Builder
	shape(&text, n)
	b, err := listing.Assemble(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.ReadNamed(bytes.NewReader(b), "grown.o")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What looks into an object needs as much more memory as the object is larger.
func TestElfLinear(t *testing.T) {
	looks := map[string]func(*elf.Object) error{
		"show": func(o *elf.Object) error {
			return render.Write(io.Discard, reportObject(o, pin.At("/sys/fs/bpf")), render.Options{})
		},
		"disasm": func(o *elf.Object) error { return listing.Write(io.Discard, o, listing.Options{}) },
		"graph":  func(o *elf.Object) error { return graph.Calls(io.Discard, o, graph.DOT, nil) },
		"check":  func(o *elf.Object) error { return errors.Join(check.Object(o).Faults...) },
		"diff":   func(o *elf.Object) error { return errors.Join(diff.Objects(o, o).Faults...) },
		"convert": func(o *elf.Object) error {
			_, err := rewrite.Convert(o)
			if err != nil && strings.Contains(err.Error(), "nothing to convert") {
				return nil
			}
			return err
		},
	}
	const small, times = 1000, 4
	const noise = 1 << 20 // what is allocated counts by the span; a square of 4,000 has 16 MB
	for shape, write := range growing {
		for look, into := range looks {
			t.Run(shape+"/"+look, func(t *testing.T) {
				cost := func(n int) float64 {
					o := grown(t, write, n)
					before := heapAllocated()
					if err := into(o); err != nil && !strings.Contains(err.Error(), "more than 256 functions") {
						t.Error(err)
					}
					return float64(heapAllocated() - before)
				}
				cost(small) // tables that are made once
				one, many := cost(small), cost(times*small)
				if many > 2*times*one+noise {
					t.Errorf("%.0f bytes for %d, %.0f for %d times as many", one, small, many, times)
				}
			})
		}
	}
}

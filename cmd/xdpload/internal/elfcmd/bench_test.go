//go:build !guest

package elfcmd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// bigObject is an object of 2 MB: 330 programs that call helpers with 50 maps,
// and the types of 4,000 structures.
func bigObject(tb testing.TB) []byte {
	tb.Helper()
	var text strings.Builder
	text.WriteString(".endian little\n.section xdp progbits ax 8\n")
	for i := range 330 {
		fmt.Fprintf(&text, ".function prog_%d\n", i)
		for j := range 60 {
			fmt.Fprintf(&text, "\tr1 = map[m%d]\n\tr2 = r10\n\tr2 += -4\n\tcall bpf_map_lookup_elem\n", (i+j)%50)
		}
		text.WriteString("\tr0 = 2\n\texit\n")
	}
	text.WriteString(".section maps progbits wa 4\n")
	for i := range 50 {
		fmt.Fprintf(&text, ".object m%d size 20\n\t.byte 02 00 00 00 04 00 00 00 08 00 00 00 01 00 00 00 00 00 00 00\n", i)
	}
	text.WriteString(".section .BTF progbits - 4\n")
	for _, b := range bigTypes(tb) {
		fmt.Fprintf(&text, "\t.byte %02x\n", b)
	}
	object, err := listing.Assemble(strings.NewReader(text.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return object
}

func bigTypes(tb testing.TB) []byte {
	tb.Helper()
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	var types []btf.Type
	for i := range 4000 {
		s := &btf.Struct{Name: fmt.Sprintf("structure_%d", i), Size: 48}
		for j := range 12 {
			s.Members = append(s.Members, btf.Member{Name: fmt.Sprintf("member_%d_%d", i, j), Type: u32, Offset: btf.Bits(32 * j)})
		}
		types = append(types, s)
	}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// BenchmarkElfShow is what a run of elf show does with a large object, once it
// has started.
func BenchmarkElfShow(b *testing.B) {
	object := bigObject(b)
	b.SetBytes(int64(len(object)))
	b.ReportAllocs()
	for b.Loop() {
		o, err := elf.ReadNamed(bytes.NewReader(object), "big.o")
		if err != nil {
			b.Fatal(err)
		}
		if err := render.Write(io.Discard, reportObject(o, pin.At("/sys/fs/bpf")), render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBigObject: all of a large object is found.
func TestBigObject(t *testing.T) {
	object := bigObject(t)
	o, err := elf.ReadNamed(bytes.NewReader(object), "big.o")
	if err != nil {
		t.Fatal(err)
	}
	r := reportObject(o, pin.At("/sys/fs/bpf"))
	if len(object) < 2<<20 || len(r.Programs) != 330 || len(r.Maps) != 50 || len(r.Faults) > 0 {
		t.Errorf("%d bytes, %d programs, %d maps, faults %v", len(object), len(r.Programs), len(r.Maps), r.Faults)
	}
}

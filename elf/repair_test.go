package elf_test

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// Sizes of the ELF64 structures.
const (
	sectionHeader = 64
	symbolEntry   = 24
)

// damage returns an object whose section headers or symbols the functions have changed.
func damage(t *testing.T, name string, header func(s *stdelf.Section, h []byte), symbol func(name string, e []byte)) *elf.Object {
	t.Helper()
	b := testobj.Bytes(name)
	f, err := stdelf.NewFile(bytes.NewReader(testobj.Bytes(name)))
	if err != nil {
		t.Fatal(err)
	}
	shoff := f.ByteOrder.Uint64(b[40:])
	for i, s := range f.Sections {
		if header != nil {
			header(s, b[shoff+uint64(i)*sectionHeader:][:sectionHeader])
		}
		if s.Type != stdelf.SHT_SYMTAB || symbol == nil {
			continue
		}
		names, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		for i, sym := range names {
			symbol(sym.Name, b[s.Offset+uint64(i+1)*symbolEntry:][:symbolEntry])
		}
	}
	o, err := elf.ReadNamed(bytes.NewReader(b), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// same compares the programs and maps of a damaged object with those of the sound one.
func same(t *testing.T, name string, damaged *elf.Object, program string) {
	t.Helper()
	want, err := read(t, name).Spec(elf.Selector{Program: program})
	if err != nil {
		t.Fatal(err)
	}
	got, err := damaged.Spec(elf.Selector{Program: program})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(describe(want.Programs[program]), describe(got.Programs[program])); diff != "" {
		t.Error(diff)
	}
	for m, spec := range want.Maps {
		if diff := cmp.Diff(spec.String(), got.Maps[m].String()); diff != "" {
			t.Errorf("%s: %s", m, diff)
		}
	}
}

var repaired = []struct{ object, program string }{
	{"two.o", "xdp_second"},
	{"count.o", "xdp_count"},
	{"subprog.o", "xdp_both"},
	{"legacy20_nobtf.o", "xdp_legacy"},
	{"tail.o", "entry"},
	{"tail_be.o", "entry"},
	{"mim.o", "mim"},
}

// LLVM up to 7 gives symbols no size.
func TestRepairSymbolSizes(t *testing.T) {
	for _, tt := range repaired {
		t.Run(tt.object, func(t *testing.T) {
			o := damage(t, tt.object, nil, func(_ string, e []byte) { clear(e[16:24]) })
			same(t, tt.object, o, tt.program)
		})
	}
}

// LLVM up to 7 gives symbols no type.
func TestRepairSymbolTypes(t *testing.T) {
	o := damage(t, "subprog.o", nil, func(_ string, e []byte) {
		if typ := stdelf.ST_TYPE(e[4]); typ == stdelf.STT_FUNC && stdelf.ST_BIND(e[4]) != stdelf.STB_LOCAL {
			e[4] = stdelf.ST_INFO(stdelf.ST_BIND(e[4]), stdelf.STT_NOTYPE)
		}
	})
	same(t, "subprog.o", o, "xdp_global")
}

// A symbol table with sh_entsize 0 kills ip and tc.
func TestRepairEntrySizes(t *testing.T) {
	for _, tt := range repaired {
		o := damage(t, tt.object, func(_ *stdelf.Section, h []byte) { clear(h[56:64]) }, nil)
		same(t, tt.object, o, tt.program)
	}
}

// Assemblers may leave no symbol at all for a program.
func TestRepairNamelessProgram(t *testing.T) {
	o := damage(t, "tiny_nobtf.o", nil, func(name string, e []byte) {
		if name == "xdp_pass" {
			clear(e[0:4])
		}
	})
	p, err := o.Program(elf.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "xdp" || p.Instructions != 2 {
		t.Errorf("program %+v", p)
	}
	if _, err := o.Spec(elf.Selector{}); err != nil {
		t.Error(err)
	}
}

// LLVM up to 9 calls functions of the same section without a relocation.
func TestRepairLocalCall(t *testing.T) {
	b := testobj.Bytes("textonly.o")
	f, err := stdelf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	// Both functions of the object go into one section: .text behind xdp in the image below.
	code := bytes.Join([][]byte{data(t, f, "xdp"), data(t, f, ".text")}, nil)
	call := bytes.IndexByte(code, 0x85)
	binary.LittleEndian.PutUint32(code[call+4:], uint32((len(data(t, f, "xdp"))-call)/8-1))
	object := assemble(code, nil, namedOffset{"xdp_twice", 0}, namedOffset{"twice", len(data(t, f, "xdp"))})
	o, err := elf.Read(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := o.Spec(elf.Selector{Program: "xdp_twice"})
	if err != nil {
		t.Fatal(err)
	}
	if got := spec.Programs["xdp_twice"].Instructions.FunctionReferences(); len(got) != 1 || got[0] != "twice" {
		t.Errorf("calls %v", got)
	}
}

func data(t *testing.T, f *stdelf.File, section string) []byte {
	t.Helper()
	b, err := f.Section(section).Data()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

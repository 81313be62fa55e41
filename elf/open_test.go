package elf_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

func read(t testing.TB, name string) *elf.Object {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// patched returns tiny.o with bytes changed at an offset.
func patched(off int, b ...byte) []byte {
	object := testobj.Bytes("tiny.o")
	copy(object[off:], b)
	return object
}

func TestOpen(t *testing.T) {
	o, err := elf.Open(testobj.Path(t, "count.o"))
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Name(); got != "count.o" {
		t.Errorf("name %q", got)
	}
	if got := o.License(); got != "Dual BSD/GPL" {
		t.Errorf("licence %q", got)
	}
	if !o.HasBTF() {
		t.Error("no BTF")
	}
	if got := o.ByteOrder(); got.String() != "LittleEndian" {
		t.Errorf("byte order %v", got)
	}
	if got := o.Machine().String(); got != "EM_BPF" {
		t.Errorf("machine %s", got)
	}
	if got, want := o.SHA1(), sha1.Sum(testobj.Bytes("count.o")); got != want {
		t.Errorf("sha1 %x, want %x", got, want)
	}
}

func TestEveryFixtureReads(t *testing.T) {
	for _, name := range testobj.Names() {
		if name == "stripped.o" {
			continue
		}
		o := read(t, name)
		if got, want := o.HasBTF(), !strings.Contains(name, "nobtf"); got != want {
			t.Errorf("%s: HasBTF %v", name, got)
		}
		big := o.ByteOrder().String() == "BigEndian"
		if want := strings.HasSuffix(name, "_be.o"); big != want {
			t.Errorf("%s: big endian %v", name, big)
		}
		if len(o.Programs())+len(o.Subprograms()) == 0 {
			t.Errorf("%s: no programs", name)
		}
	}
}

// Each fault has one line that names the file and says what to do about it.
func TestOpenErrors(t *testing.T) {
	tiny := testobj.Bytes("tiny.o")
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "the file is empty"},
		{"text", []byte("int main(void) { return 0; }\n"), "not an ELF object"},
		{"bitcode", []byte("BC\xc0\xde1234567890123456"), "LLVM bitcode"},
		{"x86", patched(18, 62), "an object for EM_X86_64, not for BPF: compile it with clang -target bpf"},
		{"executable", patched(16, 2), "an ELF file of type ET_EXEC, not a relocatable object"},
		{"32 bit", patched(4, 1), "not a 64-bit ELF object"},
		{"byte order", patched(5, 9), "unknown byte order 9"},
		{"half a header", tiny[:20], "truncated: the ELF header has 20 of 64 bytes"},
		{"truncated", tiny[:len(tiny)-100], "truncated: "},
		{"truncated to the header", tiny[:64], "truncated: the section headers start at byte"},
		{"no sections", patched(40, make([]byte, 8)...), "no section headers"},
		{"names", patched(62, 200), "no section 200 for the section names"},
		{"not written to its end", append(bytes.Clone(tiny[:64]), make([]byte, len(tiny)-64)...), "section headers are zero: the end of the file was never written"},
		{"stripped", testobj.Bytes("stripped.o"), "no symbol table: the object is stripped; strip it with -g, which leaves the symbols"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bad.o")
			if err := os.WriteFile(file, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := elf.Open(file)
			if _, ok := errors.AsType[*elf.FormatError](err); !ok {
				t.Fatalf("error is %T %v", err, err)
			}
			if got := err.Error(); !strings.HasPrefix(got, file+": ") || !strings.Contains(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("error %q, want %q after the file", got, tt.want)
			}
		})
	}
}

func TestOpenMissing(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{filepath.Join(dir, "no.o"), dir} {
		_, err := elf.Open(name)
		pe, ok := errors.AsType[*fs.PathError](err)
		if !ok || pe.Path != name {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := elf.Open(filepath.Join(dir, "no.o")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// A pipe is read to its end: clang -o - | ... and <(...) work.
func TestOpenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		defer w.Close()
		if _, err := w.Write(testobj.Bytes("tiny.o")); err != nil {
			t.Error(err)
		}
	}()
	o, err := elf.Open(fmt.Sprintf("/proc/self/fd/%d", r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(o.Programs()); got != 1 {
		t.Errorf("%d programs", got)
	}
}

func TestCheckByteOrder(t *testing.T) {
	if err := read(t, nativeObject()).CheckByteOrder(); err != nil {
		t.Error(err)
	}
	err := read(t, foreignObject()).CheckByteOrder()
	if _, ok := errors.AsType[*elf.FormatError](err); !ok {
		t.Fatalf("error %v", err)
	}
	if got := err.Error(); !strings.Contains(got, "endian, this machine is") {
		t.Errorf("error %q", got)
	}
}

func nativeObject() string {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return "tiny.o"
	}
	return "tiny_be.o"
}

func foreignObject() string {
	if nativeObject() == "tiny.o" {
		return "tiny_be.o"
	}
	return "tiny.o"
}

func TestSections(t *testing.T) {
	o := read(t, "tiny_nobtf.o")
	var names []string
	for _, s := range o.Sections() {
		names = append(names, s.Name)
	}
	want := []string{"", ".strtab", ".text", "xdp", "license", ".llvm_addrsig", ".symtab"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	for _, s := range o.Sections() {
		if s.Name != "license" {
			continue
		}
		b, err := o.Data(s)
		if err != nil || string(b) != "Dual BSD/GPL\x00" {
			t.Errorf("licence %q, %v", b, err)
		}
	}
}

// An object with nothing but numbers that cannot be, in each place of its tables.
func TestLies(t *testing.T) {
	object := testobj.Bytes("tiny_nobtf.o")
	shoff := int(binary.LittleEndian.Uint64(object[40:]))
	for at := shoff; at+8 <= len(object); at += 4 {
		lie := bytes.Clone(object)
		copy(lie[at:], "\xff\xff\xff\x7f\xff\xff\xff\x7f")
		o, err := elf.ReadNamed(bytes.NewReader(lie), "lie.o")
		if err != nil {
			continue
		}
		useAll(t, o)
	}
}

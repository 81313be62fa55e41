package elf_test

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// survive reads a hostile object with everything that this package has. What takes
// long ends with the time-out of all tests.
func survive(t *testing.T, object []byte) {
	t.Helper()
	o := frugal(t, "Read", func() (*elf.Object, error) { return elf.Read(bytes.NewReader(object)) })
	if o != nil {
		useAll(t, o)
		frugal(t, "Variables", o.Variables)
	}
}

var exit = []byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0} // r0 = 0; exit

func TestManyFunctions(t *testing.T) {
	const n = 20000
	var funcs []namedOffset
	for i := range n {
		funcs = append(funcs, namedOffset{"f", 16 * i})
	}
	survive(t, assemble(bytes.Repeat(exit, n), nil, funcs...))
}

// callsOf is a function that calls n of one name.
func callsOf(n int) []byte {
	var code []byte
	funcs := []namedOffset{{"main", 0}}
	for i := range n {
		call := []byte{0x85, 0x10, 0, 0, 0, 0, 0, 0}
		binary.LittleEndian.PutUint32(call[4:], uint32(n+2-i-1+2*i))
		code = append(code, call...)
		funcs = append(funcs, namedOffset{"f", 8 * (n + 2 + 2*i)})
	}
	code = append(code, exit...)
	code = append(code, bytes.Repeat(exit, n)...)
	return assemble(code, nil, funcs...)
}

// A kernel takes 256 functions of one program, itself among them.
func TestManyCalls(t *testing.T) {
	const most = 255
	o := mustRead(t, callsOf(most))
	spec, err := o.Spec(elf.Selector{Program: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(spec.Programs["main"].Instructions), most+2+2*most; got != want {
		t.Errorf("%d instructions, want %d", got, want)
	}
	for _, n := range []int{most + 1, 10000} {
		object := callsOf(n)
		survive(t, object)
		o := mustRead(t, object)
		reached, err := o.Reach(o.Programs()[0])
		_, specErr := o.Spec(elf.Selector{Program: "main"})
		for _, err := range []error{err, specErr} {
			if err == nil || !strings.Contains(err.Error(), `program "main": more than 256 functions`) {
				t.Errorf("%d functions: error %v", n, err)
			}
		}
		if len(reached) != most+1 {
			t.Errorf("%d functions reached", len(reached))
		}
	}
}

// forever is an object that does not end, as from a pipe.
type forever struct{ read int }

func (f *forever) Read(b []byte) (int, error) {
	clear(b)
	if f.read == 0 {
		copy(b, stdelf.ELFMAG)
	}
	f.read += len(b)
	return len(b), nil
}

func TestEndlessStream(t *testing.T) {
	const most = 64 << 20
	var r forever
	before := allocated()
	_, err := elf.ReadStream(&r, "pipe")
	if want := fmt.Sprintf("pipe: more than %d bytes, the largest object that is read", most); err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if r.read > 2*most || allocated()-before > 5*most {
		t.Errorf("read %d bytes, allocated %d", r.read, allocated()-before)
	}
}

// typeChain writes BTF of n pointers, each to the next.
func typeChain(n int) []byte {
	le := binary.LittleEndian
	var types []byte
	for i := range n {
		types = le.AppendUint32(types, 0)
		types = le.AppendUint32(types, 2<<24) // BTF_KIND_PTR
		types = le.AppendUint32(types, uint32((i+2)%(n+1)))
	}
	header := make([]byte, 24)
	le.PutUint16(header, 0xeb9f)
	header[2] = 1
	le.PutUint32(header[4:], 24)
	le.PutUint32(header[12:], uint32(len(types)))
	le.PutUint32(header[16:], uint32(len(types)))
	le.PutUint32(header[20:], 1)
	return append(append(header, types...), 0)
}

// Types are decoded by recursion: a chain of millions would end the process.
func TestDeepTypes(t *testing.T) {
	survive(t, assemble(exit, typeChain(80000), namedOffset{"f", 0}))
	o, err := elf.Read(bytes.NewReader(assemble(exit, typeChain(100000), namedOffset{"f", 0})))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Types(); err == nil || !strings.Contains(err.Error(), "1200000 bytes of types, more than") {
		t.Errorf("error %v", err)
	}
}

func TestHugeSections(t *testing.T) {
	for _, section := range []string{".bss", ".data", ".rodata", ".maps", "xdp", ".BTF", ".BTF.ext", ".symtab", ".strtab"} {
		for _, size := range []uint64{1 << 31, 1 << 40, 1<<64 - 1} {
			t.Run(fmt.Sprint(section, size), func(t *testing.T) {
				survive(t, resized(t, "count.o", section, size))
			})
		}
	}
	_, err := mustRead(t, resized(t, "count.o", ".bss", 1<<31)).Spec(elf.Selector{Program: "xdp_count"})
	if _, ok := errors.AsType[*elf.FormatError](err); !ok || !strings.Contains(err.Error(), "more than the 33554432 that variables can have") {
		t.Errorf("error %v", err)
	}
}

func mustRead(t *testing.T, object []byte) *elf.Object {
	t.Helper()
	o, err := elf.Read(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// resized returns an object with a section header that lies about the size.
func resized(t *testing.T, name, section string, size uint64) []byte {
	t.Helper()
	b := testobj.Bytes(name)
	f, err := stdelf.NewFile(bytes.NewReader(testobj.Bytes(name)))
	if err != nil {
		t.Fatal(err)
	}
	shoff := f.ByteOrder.Uint64(b[40:])
	for i, s := range f.Sections {
		if s.Name == section {
			f.ByteOrder.PutUint64(b[shoff+uint64(i)*sectionHeader+32:], size)
		}
	}
	return b
}

// Cut off anywhere, an object is an error or as good as it was.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"tiny.o", "count.o", "tail_be.o", "mim_nobtf.o"} {
		object := testobj.Bytes(name)
		for n := 0; n < len(object); n += 13 {
			survive(t, object[:n])
		}
	}
}

// A bit that is wrong is an error, or nothing that matters.
func TestFlippedBits(t *testing.T) {
	for _, name := range []string{"tail_nobtf.o", "count.o", "mimbtf.o"} {
		object := testobj.Bytes(name)
		for i := range object {
			if i%7 != 0 {
				continue
			}
			flipped := bytes.Clone(object)
			flipped[i] ^= 1 << (i % 8)
			survive(t, flipped)
		}
	}
}

// A program that is called again by what it calls is one that no kernel takes.
func TestRecursion(t *testing.T) {
	call := func(n int32) []byte {
		return binary.LittleEndian.AppendUint32([]byte{0x85, 0x10, 0, 0}, uint32(n))
	}
	code := append(append(call(1), exit[8:]...), append(call(-3), exit[8:]...)...)
	o := mustRead(t, assemble(code, nil, namedOffset{"main", 0}, namedOffset{"helper", 16}))
	_, err := o.Spec(elf.Selector{Program: "main"})
	if err == nil || !strings.Contains(err.Error(), `program "main": "helper" calls it again`) {
		t.Errorf("error %v", err)
	}
}

package elf_test

import (
	"bytes"
	"runtime/metrics"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// maxAlloc is what one call may allocate for a file of up to 1 MB.
const maxAlloc = 64 << 20

// allocated returns the bytes that the process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// frugal fails the test when f allocates too much. What f returns is of no
// interest: an error is as good an answer as any, a panic is not.
func frugal[T any](t testing.TB, what string, f func() (T, error)) T {
	t.Helper()
	before := allocated()
	v, _ := f()
	if n := allocated() - before; n > maxAlloc {
		t.Errorf("%s allocates %d bytes", what, n)
	}
	return v
}

// useAll calls everything that reads a part of an object.
func useAll(t testing.TB, o *elf.Object) {
	t.Helper()
	for _, s := range o.Sections() {
		frugal(t, "Data", func() ([]byte, error) { return o.Data(s) })
	}
	frugal(t, "Maps", o.Maps)
	frugal(t, "TailCalls", o.TailCalls)
	o.License()
	o.Subprograms()
	for i, p := range o.Programs() {
		if i == 16 {
			return
		}
		for _, s := range []elf.Selector{{Section: p.Section, Program: p.Name}, {Program: p.Name, Type: p.Type}} {
			frugal(t, "Spec", func() (any, error) { return o.Spec(s) })
		}
	}
}

// FuzzRead looks for panics, and for files that take more memory than they should.
func FuzzRead(f *testing.F) {
	for _, name := range testobj.Names() {
		if b := testobj.Bytes(name); len(b) < 16<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<20 {
			return
		}
		o := frugal(t, "Read", func() (*elf.Object, error) { return elf.Read(bytes.NewReader(b)) })
		if o != nil {
			useAll(t, o)
		}
	})
}

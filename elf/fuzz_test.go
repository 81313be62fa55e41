package elf_test

import (
	"bytes"
	"runtime/metrics"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

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

// FuzzSet looks for panics in names and values of variables.
func FuzzSet(f *testing.F) {
	for variable, value := range map[string]string{
		"byte": "'A'", "negative": "-0x10", "mode": "MODE_LEARN", "name": "eth0", "host4": "192.0.2.1", "host6": "::1",
		"ports[3]": "1,2", "config.peers[1].mac": "02:00:00:00:00:01", "config.addr6": "::ffff:1.2.3.4", "globals.calls": "1",
	} {
		f.Add(variable, value)
	}
	o := read(f, "globals.o")
	f.Fuzz(func(t *testing.T, variable, value string) {
		spec, err := o.Spec(elf.Selector{Program: "globals"})
		if err != nil {
			t.Fatal(err)
		}
		before := sizes(spec)
		if err := o.Set(spec, variable, value); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		if diff := cmp.Diff(before, sizes(spec)); diff != "" {
			t.Error(diff)
		}
	})
}

// sizes returns the size of each section of variables.
func sizes(spec *ebpf.CollectionSpec) map[string]int {
	n := make(map[string]int)
	for name, m := range spec.Maps {
		if b, ok := m.Contents[0].Value.([]byte); ok {
			n[name] = len(b)
		}
	}
	return n
}

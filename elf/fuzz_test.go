package elf_test

import (
	"bytes"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// useAll calls everything that reads a part of an object.
func useAll(o *elf.Object) {
	for _, s := range o.Sections() {
		o.Data(s)
	}
	o.License()
	o.Maps()
	o.TailCalls()
	o.Subprograms()
	for i, p := range o.Programs() {
		if i == 16 {
			return
		}
		o.Spec(elf.Selector{Section: p.Section, Program: p.Name})
		o.Spec(elf.Selector{Program: p.Name, Type: p.Type})
	}
}

// FuzzRead looks for panics and for files that take more memory than they should.
func FuzzRead(f *testing.F) {
	for _, name := range testobj.Names() {
		if b := testobj.Bytes(name); len(b) < 16<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := elf.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		useAll(o)
	})
}

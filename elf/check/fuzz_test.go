package check_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/internal/testobj"
)

// FuzzObject: no panic, and faults say where they are.
func FuzzObject(f *testing.F) {
	for _, name := range testobj.Names() {
		if b := testobj.Bytes(name); len(b) < 4<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := elf.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		r := check.Object(o)
		for _, fault := range r.Faults {
			if _, ok := errors.AsType[*elf.FormatError](fault); !ok {
				t.Errorf("fault %T: %v", fault, fault)
			}
		}
		for _, n := range r.Needs {
			if r.Kernel.Before(n.Kernel) {
				t.Errorf("needs %s since %s, and says %s", n.What, n.Kernel, r.Kernel)
			}
		}
	})
}

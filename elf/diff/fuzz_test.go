package diff_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/diff"
	"github.com/xdpload/xdpload/internal/testobj"
)

// FuzzObjects: no panic; an object does not differ from itself, and what one adds the
// other way round is removed.
func FuzzObjects(f *testing.F) {
	var last []byte
	for _, name := range testobj.Names() {
		if b := testobj.Bytes(name); len(b) < 4<<10 {
			f.Add(b, last)
			last = b
		}
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a, errA := elf.Read(bytes.NewReader(first))
		b, errB := elf.Read(bytes.NewReader(second))
		if errA == nil {
			same := diff.Objects(a, a)
			if n := len(same.Object) + len(same.Programs) + len(same.Maps) + len(same.Variables); n > 0 {
				t.Errorf("an object differs from itself: %+v", same)
			}
			for _, fault := range same.Faults {
				if _, ok := errors.AsType[*elf.FormatError](fault); !ok {
					t.Errorf("fault %T: %v", fault, fault)
				}
			}
		}
		if errA != nil || errB != nil {
			return
		}
		there, back := diff.Objects(a, b), diff.Objects(b, a)
		if added, removed := count(there, diff.Added), count(back, diff.Removed); added != removed {
			t.Errorf("%d added, the other way round %d removed", added, removed)
		}
	})
}

func count(r *diff.Report, s diff.State) (n int) {
	for _, p := range r.Programs {
		if p.State == s {
			n++
		}
	}
	return n
}

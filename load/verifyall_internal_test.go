package load

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

// After as many instructions as any object has, programs are not even read.
func TestVerifyBound(t *testing.T) {
	o, err := elf.Read(bytes.NewReader(testobj.Bytes("trials.o")))
	if err != nil {
		t.Fatal(err)
	}
	v := &verification{obj: o}
	size := 0
	for _, p := range o.Programs() {
		if _, err := v.specify(&loader{obj: o, options: Options{Select: elf.Selector{Program: p.Name}}}); err != nil {
			t.Fatal(err)
		}
		if v.size <= size {
			t.Errorf("%s: %d instructions after %d", p.Name, v.size, size)
		}
		size = v.size
	}
	v.size = maxVerified + 1
	_, err = v.specify(&loader{obj: o})
	if err == nil || !strings.Contains(err.Error(), "more than 8388608 instructions") {
		t.Errorf("error %v", err)
	}
}

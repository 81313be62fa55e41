package elf_test

import (
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
)

func TestValueText(t *testing.T) {
	for _, object := range []string{"globals.o", "globals_be.o"} {
		o := read(t, object)
		variables, err := o.Variables()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for _, v := range variables {
			got[v.Name] = o.ValueText(v)
		}
		want := map[string]string{
			"byte": "1", "negative": "-2", "wide": "1234605616436508552", "mode": "MODE_LEARN", "name": `"unset"`,
			"hidden_limit": "7", "total": "0",
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", object, diff)
		}
	}
}

// A value of a size that no number has is not the number 0.
func TestValueTextOddSize(t *testing.T) {
	mode := &btf.Enum{Name: "mode", Size: 4, Values: []btf.EnumValue{{Name: "MODE_DROP", Value: 0}}}
	v := elf.Variable{Type: mode, Value: []byte{1, 0, 0}}
	if got := read(t, "globals.o").ValueText(v); got != "010000" {
		t.Errorf("%q", got)
	}
}

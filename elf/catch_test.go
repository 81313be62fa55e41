package elf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
)

// What runs after an exception comes with the program that it is of, though no instruction
// refers to it, and with what it calls, each once and with its type.
func TestExceptionCallback(t *testing.T) {
	for program, want := range map[string][]string{"throwing": {"throwing", "caught", "verdict_of"}, "quiet": {"quiet"}} {
		spec, err := read(t, "exception.o").Spec(elf.Selector{Program: program})
		if err != nil {
			t.Fatal(err)
		}
		if len(spec.Programs) != 1 {
			t.Errorf("%s: %d programs", program, len(spec.Programs))
		}
		var got []string
		insns := spec.Programs[program].Instructions
		for i := range insns {
			if name := insns[i].Symbol(); name != "" {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", program, diff)
		}
	}
}

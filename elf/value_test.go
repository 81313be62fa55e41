package elf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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

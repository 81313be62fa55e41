package testobj

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPath(t *testing.T) {
	file := Path(t, "tiny.o")
	if got := filepath.Base(file); got != "tiny.o" {
		t.Errorf("base name is %q", got)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, Bytes("tiny.o")) {
		t.Error("the file differs from the object")
	}
}

func TestBytesIsACopy(t *testing.T) {
	Bytes("tiny.o")[0] = 'x'
	if got := Bytes("tiny.o")[0]; got != 0x7f {
		t.Errorf("first byte is %#x after a caller wrote to its copy", got)
	}
}

func TestBytesUnknown(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Bytes("nosuch.o")
}

// Every source has an object, so a forgotten rebuild is seen.
func TestNames(t *testing.T) {
	sources, err := filepath.Glob("src/*.c")
	if err != nil {
		t.Fatal(err)
	}
	names := Names()
	for _, src := range sources {
		base := filepath.Base(src)
		base = base[:len(base)-len(".c")]
		if base == "legacy" {
			base = "legacy36"
		}
		if !slices.Contains(names, base+".o") {
			t.Errorf("%s has no object", src)
		}
	}
}

// An object must be the same whoever builds it.
func TestNoMachinePath(t *testing.T) {
	for _, name := range Names() {
		for _, dir := range []string{"/home/", "/root/", "/work", "/tmp/", "/usr/"} {
			if bytes.Contains(Bytes(name), []byte(dir)) {
				t.Errorf("%s contains %q", name, dir)
			}
		}
	}
}

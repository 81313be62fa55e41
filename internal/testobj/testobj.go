// Package testobj holds the BPF objects that the project's tests load. Their C
// source is in src, and build.sh makes them from it; a test needs no compiler.
//
// An object NAME.o has BTF and is little endian. NAME_nobtf.o has no BTF,
// NAME_be.o is big endian.
package testobj

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

//go:generate ./build.sh

//go:embed *.o
var objects embed.FS

// Bytes returns a copy of the object called name, such as "tiny.o". It panics
// when there is none.
func Bytes(name string) []byte {
	b, err := objects.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("testobj: no object %q", name))
	}
	return b
}

// Path writes the object called name to a directory that lives as long as the
// test, and returns the file's path. Its base name is name.
func Path(t testing.TB, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, Bytes(name), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Chdir makes a directory with every object the working directory of the test.
func Chdir(t testing.TB) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range Names() {
		if err := os.WriteFile(filepath.Join(dir, name), Bytes(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// Names returns the names of all objects, sorted.
func Names() []string {
	names, err := fs.Glob(objects, "*.o")
	if err != nil {
		panic(err)
	}
	return names
}

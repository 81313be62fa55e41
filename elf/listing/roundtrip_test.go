package listing_test

import (
	"bytes"
	stdelf "debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

func read(t testing.TB, name string, b []byte) *elf.Object {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(b), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return o
}

func list(t testing.TB, o *elf.Object, opts listing.Options) string {
	t.Helper()
	var b strings.Builder
	if err := listing.Write(&b, o, opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// objects are all fixtures, and those that the library has for its own tests.
func objects(t *testing.T) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, name := range testobj.Names() {
		if name != "stripped.o" {
			all[name] = testobj.Bytes(name)
		}
	}
	return all
}

// libraryObjects returns the objects of the library's own tests.
func libraryObjects(t *testing.T) map[string][]byte {
	t.Helper()
	bpftest.Need(t, bpftest.Command("go"))
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "*.elf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects in %s: %v", dir, err)
	}
	all := make(map[string][]byte)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = b
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	for name, b := range objects(t) {
		t.Run(name, func(t *testing.T) { roundTrip(t, name, b) })
	}
}

func TestRoundTripLibrary(t *testing.T) {
	for name, b := range libraryObjects(t) {
		t.Run(name, func(t *testing.T) { roundTrip(t, name, b) })
	}
}

// roundTrip makes an object of a listing, and holds it to the one it is of.
func roundTrip(t *testing.T, name string, b []byte) {
	t.Helper()
	o := read(t, name, b)
	for _, opts := range []listing.Options{{Types: true}, {Types: true, Source: true, Raw: true}} {
		text := list(t, o, opts)
		made, err := listing.Assemble(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, numbered(text))
		}
		again := read(t, name, made)
		if again.ByteOrder() != o.ByteOrder() {
			t.Fatal("another byte order")
		}
		if diff := cmp.Diff(contents(t, o), contents(t, again)); diff != "" {
			t.Fatalf("-object +assembled\n%s", diff)
		}
		if text := list(t, again, listing.Options{Types: true}); !strings.Contains(text, "@") {
			if diff := cmp.Diff(list(t, o, listing.Options{Types: true}), text); diff != "" && o.Producer() == "" {
				t.Fatalf("-listing +listing of what was assembled\n%s", diff)
			}
		}
	}
}

func numbered(text string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		fmt.Fprintf(&b, "%4d %s\n", i+1, line)
	}
	return b.String()
}

// content is what a loader reads of a section.
type content struct {
	Type   stdelf.SectionType
	Flags  stdelf.SectionFlag
	Size   uint64
	Data   string
	Relocs []string
	Names  []string
}

// contents is what a listing must not lose: bytes, relocations by what they
// mean, and named symbols.
func contents(t *testing.T, o *elf.Object) map[string]content {
	t.Helper()
	all := make(map[string]content)
	sections, symbols := o.Sections(), o.Symbols()
	for i, s := range sections {
		kept := (s.Type == stdelf.SHT_PROGBITS || s.Type == stdelf.SHT_NOBITS) && s.Flags&stdelf.SHF_ALLOC != 0 && s.Name != ".eh_frame"
		if s.Size == 0 || !kept && s.Name != ".BTF" && s.Name != ".BTF.ext" {
			continue
		}
		c := content{Type: s.Type, Flags: s.Flags, Size: s.Size}
		if s.Type != stdelf.SHT_NOBITS {
			b, err := o.Data(s)
			if err != nil {
				t.Fatal(err)
			}
			c.Data = fmt.Sprintf("% x", b)
		}
		if kept {
			relocs, err := o.Relocations(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range relocs {
				c.Relocs = append(c.Relocs, fmt.Sprintf("%#x type %d %s", r.Offset, r.Type, meaning(symbols[r.Symbol], sections)))
			}
		}
		for _, sym := range symbols {
			if sym.Section == i && sym.Name != "" && sym.Type != stdelf.STT_SECTION && sym.Type != stdelf.STT_FILE {
				c.Names = append(c.Names, meaning(sym, sections))
			}
		}
		slices.Sort(c.Names)
		all[fmt.Sprintf("%s %d", s.Name, len(all))] = c
	}
	return all
}

func meaning(s elf.Symbol, sections []elf.Section) string {
	where := fmt.Sprint(s.Section)
	if s.Section < len(sections) {
		where = sections[s.Section].Name
	}
	name := s.Name
	if s.Type == stdelf.STT_SECTION {
		name = ""
	}
	return fmt.Sprintf("%q in %s at %d size %d %v %v hidden %v", name, where, s.Value, s.Size, s.Type, s.Binding, s.Hidden)
}

// An independent disassembler counts the same instructions.
func TestInstructionCounts(t *testing.T) {
	bpftest.Need(t, bpftest.Command("llvm-objdump"))
	all := objects(t)
	delete(all, "machine0.o") // of no machine that llvm-objdump knows
	for name, b := range all {
		t.Run(name, func(t *testing.T) { compareCounts(t, name, b) })
	}
}

func TestInstructionCountsLibrary(t *testing.T) {
	bpftest.Need(t, bpftest.Command("llvm-objdump"))
	for name, b := range libraryObjects(t) {
		t.Run(name, func(t *testing.T) { compareCounts(t, name, b) })
	}
}

var (
	witnessLine = regexp.MustCompile(`(?m)^ *[0-9]+:\t(?:[0-9a-f]{2} ){7}[0-9a-f]{2}`)
	ourLine     = regexp.MustCompile(`(?m)^\t(?:\.insn|[^.;\s])`)
)

func compareCounts(t *testing.T, name string, b []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("llvm-objdump", "-d", "-z", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := len(witnessLine.FindAll(out, -1))
	if got := len(ourLine.FindAllString(list(t, read(t, name, b), listing.Options{}), -1)); got != want {
		t.Errorf("%d instructions, llvm-objdump has %d", got, want)
	}
}

package rewrite_test

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/rewrite"
	"github.com/xdpload/xdpload/internal/testobj"
)

// legacyObjects are the fixtures with maps of the old style that can be converted.
var legacyObjects = []string{
	"legacy16.o", "legacy20_nobtf.o", "legacy28.o", "legacy36.o", "legacy36_nobtf.o", "legacy36_be.o",
	"tail.o", "tail_nobtf.o", "tail_be.o", "mim.o", "mim_nobtf.o", "pins.o", "annotated.o", "maps70.o", "maps70_nobtf.o", "mixed.o",
}

func read(t *testing.T, name string) *elf.Object {
	t.Helper()
	return mustRead(t, testobj.Bytes(name))
}

func mustRead(t *testing.T, object []byte) *elf.Object {
	t.Helper()
	o, err := elf.Read(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func convert(t *testing.T, name string) *rewrite.Converted {
	t.Helper()
	c, err := rewrite.Convert(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plainMap is a map's definition without its style.
func plainMap(m elf.Map) string {
	inner := ""
	if m.Inner != nil {
		inner = plainMap(*m.Inner)
	}
	pinned := m.Pinning != elf.PinNone
	return fmt.Sprintf("%s key %d value %d entries %d flags %d pinned %v contents %v inner (%s)",
		m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, pinned, m.Contents, inner)
}

func plainMaps(t *testing.T, o *elf.Object) map[string]string {
	t.Helper()
	maps, err := o.Maps()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, m := range maps {
		if m.Inner != nil {
			m.Inner.Pinning = elf.PinNone
		}
		all[m.Name] = plainMap(m)
	}
	return all
}

func TestConvertKeepsMeaning(t *testing.T) {
	for _, name := range legacyObjects {
		t.Run(name, func(t *testing.T) {
			before := read(t, name)
			after := mustRead(t, convert(t, name).Image)
			if diff := cmp.Diff(plainMaps(t, before), plainMaps(t, after)); diff != "" {
				t.Error(diff)
			}
			maps, err := after.Maps()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range maps {
				if m.Style == elf.StyleLegacy || m.Static || m.Pinning != elf.PinNone && m.Pinning != elf.PinByName {
					t.Errorf("map %+v", m)
				}
			}
			for _, p := range before.Programs() {
				q := namedProgram(t, after, p.Name)
				a, errA := references(before, p)
				b, errB := references(after, q)
				if diff := cmp.Diff(a, b); diff != "" || errA != nil || errB != nil {
					t.Error(diff, errA, errB)
				}
				if want := newSections[p.Section]; want != "" {
					if q.Section != want {
						t.Errorf("%s is in section %q", p.Name, q.Section)
					}
					p.Section, p.Type, p.AttachType, p.Flags, p.Offset = want, q.Type, q.AttachType, q.Flags, q.Offset
				}
				p.Static, q.Static = false, false
				if diff := cmp.Diff(p, q); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// newSections are where the programs of tail.o go: to the one that calls them, frags and all.
var newSections = map[string]string{"7/0": "xdp.frags", "7/1": "xdp.frags", "0xabccba/0": "xdp.frags", "xdp/alone": "xdp"}

func namedProgram(t *testing.T, o *elf.Object, name string) elf.Program {
	t.Helper()
	for _, p := range o.Programs() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no program %s", name)
	return elf.Program{}
}

// references are those of a program with offsets from its start.
func references(o *elf.Object, p elf.Program) ([]elf.Reference, error) {
	refs, err := o.References(p)
	for i := range refs {
		refs[i].Offset -= p.Offset
	}
	return refs, err
}

// The lines of programs that moved into another section are still theirs.
func TestConvertKeepsLines(t *testing.T) {
	before, after := read(t, "tail.o"), mustRead(t, convert(t, "tail.o").Image)
	for _, p := range before.Programs() {
		q := namedProgram(t, after, p.Name)
		a, errA := before.Lines(p)
		b, errB := after.Lines(q)
		if errA != nil || errB != nil || len(a) == 0 || len(a) != len(b) {
			t.Fatalf("%s: %d and %d lines, %v, %v", p.Name, len(a), len(b), errA, errB)
		}
		for i := range a {
			a[i].Offset -= p.Offset
			b[i].Offset -= q.Offset
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
	}
}

// The library, which fills no conventions of iproute2 in, reads what was converted.
func TestConvertForLibrary(t *testing.T) {
	for _, name := range legacyObjects {
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(convert(t, name).Image))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, m := range spec.Maps {
			if m.Extra != nil {
				t.Errorf("%s: map %s has %d bytes more", name, m.Name, m.Extra.Len())
			}
		}
	}
}

func TestConvertNotes(t *testing.T) {
	notes := strings.Join(convert(t, "pins.o").Notes, "\n")
	for _, want := range []string{"by_object", "by_number"} {
		if !strings.Contains(notes, want) {
			t.Errorf("nothing about %s in %q", want, notes)
		}
	}
	if strings.Contains(notes, "by_global") {
		t.Errorf("notes %q", notes)
	}
}

// A section of maps that holds instructions was once taken for maps.
func TestConvertDamaged(t *testing.T) {
	b := testobj.Bytes("mixed.o")
	f, err := stdelf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	headers := binary.LittleEndian.Uint64(b[40:])
	for i, s := range f.Sections {
		if s.Name == ".maps" {
			binary.LittleEndian.PutUint64(b[headers+64*uint64(i)+8:], uint64(stdelf.SHF_ALLOC|stdelf.SHF_EXECINSTR))
		}
	}
	if _, err := rewrite.Convert(mustRead(t, b)); err == nil {
		t.Error("no error")
	} else if _, ok := errors.AsType[*elf.FormatError](err); !ok {
		t.Error(err)
	}
}

// A section of code that names the symbol table as the section it is linked to is one of code all the same.
func TestConvertLinkedCode(t *testing.T) {
	b := testobj.Bytes("legacy20.o")
	f, err := stdelf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	headers := binary.LittleEndian.Uint64(b[40:])
	symtab := slices.IndexFunc(f.Sections, func(s *stdelf.Section) bool { return s.Type == stdelf.SHT_SYMTAB })
	for i, s := range f.Sections {
		if s.Flags&stdelf.SHF_EXECINSTR != 0 {
			binary.LittleEndian.PutUint32(b[headers+64*uint64(i)+40:], uint32(symtab))
		}
	}
	c, err := rewrite.Convert(mustRead(t, b))
	if err != nil {
		t.Fatal(err)
	}
	want := convert(t, "legacy20.o")
	if !bytes.Equal(c.Image, want.Image) {
		t.Error("not what the object without the link becomes")
	}
}

func TestConvertNothing(t *testing.T) {
	for _, name := range []string{"count.o", "tiny.o"} {
		_, err := rewrite.Convert(read(t, name))
		if _, ok := errors.AsType[*elf.FormatError](err); !ok || !strings.Contains(err.Error(), "nothing to convert") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// contentsAfterRun returns the program's action and what is in its arrays after it ran.
func contentsAfterRun(t *testing.T, o *elf.Object, program string, hook ebpf.ProgramType) map[string]string {
	t.Helper()
	spec, err := o.Spec(elf.Selector{Program: program, Type: hook})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(c.Close)
	all := make(map[string]string)
	addRun(t, all, c.Programs[program])
	for name, m := range c.Maps {
		addContents(all, name, m)
	}
	return all
}

func addRun(t *testing.T, to map[string]string, p *ebpf.Program) {
	t.Helper()
	action, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	to["action"] = fmt.Sprint(action)
}

// addContents adds the entries of a map that holds values. The kernel keeps 15
// characters of its name.
func addContents(to map[string]string, name string, m *ebpf.Map) {
	switch m.Type() {
	case ebpf.Array, ebpf.Hash:
		var key, value []byte
		entries := m.Iterate()
		for entries.Next(&key, &value) {
			to[fmt.Sprintf("%.15s %x", name, key)] = fmt.Sprintf("%x", value)
		}
	}
}

// FuzzConvert looks for panics, and reads what was converted.
func FuzzConvert(f *testing.F) {
	for _, name := range legacyObjects {
		f.Add(testobj.Bytes(name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := elf.Read(bytes.NewReader(b))
		if err != nil || len(b) > 1<<20 {
			return
		}
		c, err := rewrite.Convert(o)
		if err != nil {
			return
		}
		if _, err := elf.Read(bytes.NewReader(c.Image)); err != nil {
			t.Fatalf("what was converted: %v", err)
		}
	})
}

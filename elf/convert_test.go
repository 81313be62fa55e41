package elf_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// legacyObjects are the fixtures with maps of the old style that can be converted.
var legacyObjects = []string{
	"legacy16.o", "legacy20_nobtf.o", "legacy28.o", "legacy36.o", "legacy36_nobtf.o", "legacy36_be.o",
	"tail.o", "tail_nobtf.o", "tail_be.o", "mim.o", "mim_nobtf.o", "pins.o", "annotated.o", "maps70.o", "maps70_nobtf.o", "mixed.o",
}

func convert(t *testing.T, name string) *elf.Converted {
	t.Helper()
	c, err := read(t, name).Convert()
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
			for i, p := range before.Programs() {
				q := after.Programs()[i]
				p.Static, q.Static = false, false
				if strings.HasSuffix(q.Section, "/tail_"+strings.ReplaceAll(p.Section, "/", "_")) {
					q.Section, p.Type, p.AttachType, p.Flags = p.Section, q.Type, q.AttachType, q.Flags
				}
				if diff := cmp.Diff(p, q); diff != "" {
					t.Error(diff)
				}
				a, errA := before.References(before.Programs()[i])
				b, errB := after.References(after.Programs()[i])
				if diff := cmp.Diff(a, b); diff != "" || errA != nil || errB != nil {
					t.Error(diff, errA, errB)
				}
			}
		})
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

func TestConvertNothing(t *testing.T) {
	for _, name := range []string{"count.o", "tiny.o"} {
		_, err := read(t, name).Convert()
		if _, ok := errors.AsType[*elf.FormatError](err); !ok || !strings.Contains(err.Error(), "nothing to convert") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// In the kernel the converted object does what the original does.
func TestConvertRunsAlike(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for object, program := range map[string]string{
		nativeLegacy("legacy36"): "xdp_legacy", nativeLegacy("tail"): "entry", "mim.o": "mim", "pins.o": "pins", "maps70_nobtf.o": "maps70", "mixed.o": "mixed",
	} {
		t.Run(object, func(t *testing.T) {
			before := contentsAfterRun(t, read(t, object), program)
			after := contentsAfterRun(t, mustRead(t, convert(t, object).Image), program)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func nativeLegacy(name string) string {
	if nativeObject() == "tiny.o" {
		return name + ".o"
	}
	return name + "_be.o"
}

// contentsAfterRun returns the program's action and what is in its arrays after it ran.
func contentsAfterRun(t *testing.T, o *elf.Object, program string) map[string]string {
	t.Helper()
	spec, err := o.Spec(elf.Selector{Program: program, Type: ebpf.XDP})
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, spec)
	all := map[string]string{"action": fmt.Sprint(run(t, c.Programs[program]))}
	for name, m := range c.Maps {
		switch m.Type() {
		case ebpf.Array, ebpf.Hash:
			var key, value []byte
			entries := m.Iterate()
			for entries.Next(&key, &value) {
				all[fmt.Sprintf("%s %x", name, key)] = fmt.Sprintf("%x", value)
			}
		}
	}
	return all
}

// bpftool, which refuses the original, loads what was converted, and the program
// counts what it counted.
func TestConvertForBpftool(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("bpftool"))
	bpftest.NewNamespace(t) // has a /sys/fs/bpf of its own
	for object, image := range map[string][]byte{
		"legacy36.o": testobj.Bytes("legacy36.o"), "legacy36_nobtf.o": testobj.Bytes("legacy36_nobtf.o"),
		"mim.o": testobj.Bytes("mim.o"), "pins.o": testobj.Bytes("pins.o"), "tail.o": plainTails(t),
	} {
		t.Run(object, func(t *testing.T) {
			dir := "/sys/fs/bpf/convert_" + strings.TrimSuffix(object, ".o")
			if out, err := bpftoolLoad(t, image, dir); err == nil || !strings.Contains(out, "not supported") {
				t.Errorf("the original: %v: %s", err, out)
			}
			c, err := mustRead(t, image).Convert()
			if err != nil {
				t.Fatal(err)
			}
			if out, err := bpftoolLoad(t, c.Image, dir); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if object == "legacy36.o" {
				checkPinned(t, dir)
			}
		})
	}
}

// plainTails is tail.o without frags: libbpf takes a section's name whole, and
// so gives them to the first program only.
func plainTails(t *testing.T) []byte {
	t.Helper()
	var text strings.Builder
	if err := listing.Write(&text, read(t, "tail.o"), listing.Options{}); err != nil {
		t.Fatal(err)
	}
	b, err := listing.Assemble(strings.NewReader(strings.Replace(text.String(), "xdp.frags", "xdp", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bpftoolLoad(t *testing.T, image []byte, dir string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "object.o")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("bpftool", "prog", "loadall", file, dir, "type", "xdp").CombinedOutput()
	return string(out), err
}

// checkPinned runs what bpftool has pinned.
func checkPinned(t *testing.T, dir string) {
	t.Helper()
	p, err := ebpf.LoadPinnedProgram(filepath.Join(dir, "xdp_legacy"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := run(t, p); got != xdpPass {
		t.Errorf("action %d", got)
	}
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			t.Fatal(err)
		}
		if m.Type() == ebpf.Array {
			if got := value(t, m, 3); got != 1 {
				t.Errorf("first[3] = %d", got)
			}
		}
		m.Close()
	}
}

// ip and tc refuse the original, and run what was converted.
func TestConvertForIPRoute2(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("ip"), bpftest.Command("tc"))
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	dir := t.TempDir()
	original, converted := testobj.Path(t, "legacy36.o"), filepath.Join(dir, "converted.o")
	if err := os.WriteFile(converted, convert(t, "legacy36.o").Image, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range [][]string{
		{"ip", "link", "set", "dev", "v0", "xdpgeneric", "obj"},
		{"tc", "filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj"},
	} {
		if tool[0] == "tc" {
			if err := ns.Run(exec.Command("tc", "qdisc", "add", "dev", "v0", "clsact")); err != nil {
				t.Fatal(err)
			}
		}
		if err := ns.Run(exec.Command(tool[0], append(tool[1:], original, "sec", "prog")...)); err == nil {
			t.Errorf("%s takes the original", tool[0])
		}
		var out bytes.Buffer
		cmd := exec.Command(tool[0], append(tool[1:], converted, "sec", "prog")...)
		cmd.Stderr = &out
		if err := ns.Run(cmd); err != nil {
			t.Errorf("%s: %v: %s", tool[0], err, &out)
		}
	}
}

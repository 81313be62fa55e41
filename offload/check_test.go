package offload

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

func check(t *testing.T, driver, object string, s elf.Selector) []*Finding {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(object)), object)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Check(driver, o, s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCheckByteOrder(t *testing.T) {
	found := check(t, "nfp", "tiny_be.o", elf.Selector{})
	if len(found) != 1 || !strings.Contains(found[0].Error(), "program xdp_pass: the driver runs programs on little endian machines only") {
		t.Errorf("nfp: found %v", found)
	}
	for _, f := range check(t, "netdevsim", "tiny_be.o", elf.Selector{}) {
		t.Errorf("netdevsim: found %v", f)
	}
}

func TestCheckNetdevsim(t *testing.T) {
	for section, want := range map[string]string{
		"xdp":        "",
		"xdp/events": "",
		"xdp/big":    "map big: at most 2 entries, not 4",
		"xdp/cache":  "maps of type array and hash only",
		"xdp/global": "global variables",
	} {
		found := check(t, "netdevsim", "card.o", elf.Selector{Section: section})
		if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || !strings.Contains(found[0].Error(), want)) {
			t.Errorf("%s: found %v, want %q", section, found, want)
		}
	}
}

func TestCheckMapFlags(t *testing.T) {
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{
		"h": {Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1},
	}}
	for _, driver := range Checked() {
		found, err := CheckSpec(driver, spec)
		if err != nil || len(found) != 1 || !strings.Contains(found[0].Error(), "map h: no map flags, not 0x1") {
			t.Errorf("%s: found %v, %v", driver, found, err)
		}
	}
}

func TestCheckDriver(t *testing.T) {
	if _, err := CheckSpec("e1000", &ebpf.CollectionSpec{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error: %v", err)
	}
}

// Every program of every object is looked at without a panic, and in the end.
func FuzzCheck(f *testing.F) {
	for _, name := range []string{"nfp.o", "tail.o", "subprog.o", "callback.o", "mim.o", "card.o"} {
		f.Add(testobj.Bytes(name))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		o, err := elf.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, p := range o.Programs() {
			_, _ = Check("nfp", o, elf.Selector{Section: p.Section, Program: p.Name})
		}
	})
}

package diff_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/diff"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/testobj"
)

const before = `
.endian little
.section xdp progbits ax 8
.function entry
	r2 = r1
	r1 = map[counts]
	r0 = 0
	r0 = 1
	r0 = 2
	exit
.function moved
	r0 = 77
	exit
.function gone
	r0 = 1
	exit
.section maps progbits wa 4
.object counts size 36
	.byte 02 00 00 00 04 00 00 00 08 00 00 00 01 00 00 00
	.byte 00 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00
	.zero 4
.section .data progbits wa 4
.object limit size 4
	.byte 05 00 00 00
.section license progbits wa 1
	.byte 47 50 4c 00
`

func object(t *testing.T, text string) *elf.Object {
	t.Helper()
	b, err := listing.Assemble(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestObjects(t *testing.T) {
	after := strings.NewReplacer(
		"r0 = 1\n\tr0 = 2", "r0 = 2\n\tr0 = 3",
		".function moved", ".function renamed",
		".function gone\n\tr0 = 1", ".function fresh\n\tr0 = 9",
		"02 00 00 00 04 00 00 00 08", "02 00 00 00 04 00 00 00 10",
		"05 00 00 00", "06 00 00 00",
		"47 50 4c", "4d 49 54",
	).Replace(before)
	got := diff.Objects(object(t, before), object(t, after))
	want := &diff.Report{
		Object: []diff.Change{{What: "licence", Before: "GPL", After: "MIT"}},
		Programs: []diff.Program{
			{Name: "entry", State: diff.Changed, Lines: []diff.Line{
				{Sign: '@'},
				{Sign: ' ', Text: "r1 = map[counts]"},
				{Sign: ' ', Text: "r0 = 0"},
				{Sign: '-', Text: "r0 = 1"},
				{Sign: ' ', Text: "r0 = 2"},
				{Sign: '+', Text: "r0 = 3"},
				{Sign: ' ', Text: "exit"},
			}},
			{Name: "renamed", Before: "moved", State: diff.Renamed},
			{Name: "gone", State: diff.Removed},
			{Name: "fresh", State: diff.Added},
		},
		Maps: []diff.Map{{
			Entry:  diff.Entry{Name: "counts", State: diff.Changed, Changes: []diff.Change{{What: "value size", Before: "8", After: "16"}}},
			Reload: "refused: the pinned map is of another kind",
		}},
		Variables: []diff.Entry{{Name: "limit", State: diff.Changed, Changes: []diff.Change{{What: "value", Before: "05 00 00 00", After: "06 00 00 00"}}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got.Empty() {
		t.Error("empty")
	}
}

func TestReload(t *testing.T) {
	pinned := func(n string) string {
		return strings.Replace(before, "00 00 00 00 02 00 00 00 00", "00 00 00 00 "+n+" 00 00 00 00", 1)
	}
	for _, tt := range []struct{ from, to, want string }{
		{"02", "00", "the pinned map stays, and a new one is used"},
		{"00", "02", "a new map is pinned"},
		{"01", "02", "the pinned map stays, and a new one is pinned elsewhere"},
	} {
		r := diff.Objects(object(t, pinned(tt.from)), object(t, pinned(tt.to)))
		if len(r.Maps) != 1 || r.Maps[0].Reload != tt.want {
			t.Errorf("%s to %s: %+v", tt.from, tt.to, r.Maps)
		}
	}
}

// An object is no different from itself, and its conversion differs in nothing
// that a program sees.
func TestSame(t *testing.T) {
	for _, name := range testobj.Names() {
		if name == "stripped.o" {
			continue
		}
		o, err := elf.Read(bytes.NewReader(testobj.Bytes(name)))
		if err != nil {
			t.Fatal(err)
		}
		r := diff.Objects(o, o)
		if len(r.Faults) > 0 && (strings.Contains(name, "fault") || strings.Contains(name, "_nobtf")) {
			r.Faults = nil
		}
		if !r.Empty() {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// What cannot be read is a fault, and neither gone nor new; the rest is compared.
func TestFaults(t *testing.T) {
	read := func(name string) *elf.Object {
		o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(name)), name)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for _, tt := range []struct{ before, after, fault string }{
		{"count_nobtf.o", "count.o", `count_nobtf.o: section ".maps": map "stats": no BTF`},
		{"mim.o", "mim_fault1.o", `mim_fault1.o: section "maps": map "outer"`},
		{"mim_fault2.o", "mim_fault2.o", "no map has the id 55"},
	} {
		r := diff.Objects(read(tt.before), read(tt.after))
		if r.Empty() || len(r.Faults) == 0 || !strings.Contains(r.Faults[0].Error(), tt.fault) {
			t.Errorf("%s, %s: faults %v", tt.before, tt.after, r.Faults)
		}
		for _, m := range r.Maps {
			if m.State != diff.Changed {
				t.Errorf("%s, %s: map %s %s", tt.before, tt.after, m.Name, m.State)
			}
		}
	}
}

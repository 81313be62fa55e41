package elf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/btfwire"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestPrunedSpecs: of every program of every object, what the spec says with the
// types that it needs is what it says with all of them.
func TestPrunedSpecs(t *testing.T) {
	pruned := 0
	for _, name := range testobj.Names() {
		file := testobj.Path(t, name)
		few, err := Open(file)
		if err != nil {
			continue // that is tested elsewhere
		}
		all, err := Open(file)
		if err != nil {
			t.Fatal(err)
		}
		errAll := errors.New("all types, please")
		all.btf = func() (*btfIndex, error) { return nil, errAll }
		for _, p := range few.Programs() {
			s := Selector{Section: p.Section, Program: p.Name, Force: true}
			want, wantErr := all.Spec(s)
			got, err := few.Spec(s)
			if errors.Is(wantErr, errAll) {
				continue // it calls functions of the kernel, and always has all types
			}
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s, %s: error %v, want %v", name, p.Name, err, wantErr)
			}
			if err != nil || wantErr != nil {
				continue
			}
			if diff := cmp.Diff(describeSpec(t, want), describeSpec(t, got)); diff != "" {
				t.Errorf("%s, %s: all types, few types (-, +):\n%s", name, p.Name, diff)
			}
			if got.Types != nil && countTypes(got.Types) < countTypes(want.Types) {
				pruned++
			}
		}
	}
	if pruned < 50 {
		t.Errorf("%d specs have fewer types than their objects", pruned)
	}
}

func countTypes(s *btf.Spec) btf.TypeID {
	id := btf.TypeID(1)
	for ; ; id++ {
		if _, err := s.TypeByID(id); errors.Is(err, btf.ErrNotFound) {
			return id - 1
		}
	}
}

// describeSpec writes down all that depends on types, but for their numbers.
func describeSpec(t *testing.T, s *ebpf.CollectionSpec) (out []string) {
	t.Helper()
	for name, p := range s.Programs {
		for i, ins := range p.Instructions {
			line := fmt.Sprintf("program %s %d: %v", name, i, ins)
			if l, ok := ins.Source().(*btf.Line); ok {
				line += fmt.Sprintf(" %s:%d:%d %s", l.FileName(), l.LineNumber(), l.LineColumn(), l.Line())
			}
			if fn := btf.FuncMetadata(&ins); fn != nil {
				line += fmt.Sprintf(" %v %v %s", fn.Linkage, fn.Tags, describeType(t, fn))
			}
			if r := btf.CORERelocationMetadata(&ins); r != nil {
				line += " " + numberless(r.String())
			}
			out = append(out, line)
		}
	}
	for name, m := range s.Maps {
		out = append(out, fmt.Sprintf("map %s: %v key %s value %s", name, m, describeType(t, m.Key), describeType(t, m.Value)))
	}
	for name, v := range s.Variables {
		typ := ""
		if v.Type != nil {
			typ = describeType(t, v.Type.Type)
		}
		out = append(out, fmt.Sprintf("variable %s %s+%d %x: %s", name, v.SectionName, v.Offset, v.Value, typ))
	}
	slices.Sort(out)
	return out
}

// numberless takes the number of the type out of a relocation's text.
func numberless(text string) string {
	before, _, _ := strings.Cut(text, "local_id=")
	return before
}

// describeType is the type and all that it refers to, as bytes.
func describeType(t *testing.T, typ btf.Type) string {
	t.Helper()
	if typ == nil {
		return "none"
	}
	b, err := btf.NewBuilder([]btf.Type{typ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", raw)
}

// TestPruneOdd: types that are not understood are left to the image's reader.
func TestPruneOdd(t *testing.T) {
	o, err := Open(testobj.Path(t, "kinds.o"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := o.btf()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		record []uint32
	}{
		{"another kind", []uint32{0, 30 << 24, 0}},
		{"a type that is not there", []uint32{0, btfwire.Pointer << 24, 1 << 20}},
		{"a name that is not there", []uint32{1 << 20, btfwire.Float << 24, 4}},
	} {
		odd := &btfwire.Types{Order: x.Order, Strings: x.Strings, Places: []int{0}}
		for _, v := range tt.record {
			odd.Records = x.Order.AppendUint32(odd.Records, v)
		}
		index := &btfIndex{Types: odd, named: map[string][]uint32{"m": {1}}, tags: nil}
		l := o.newLink()
		l.maps = []*linkedMap{{sym: &part{name: "m"}}}
		if _, _, _, err := (&emitter{link: l}).prune(index, new(extInfo), nil); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

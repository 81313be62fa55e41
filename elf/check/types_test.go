package check_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/elf/listing"
)

// declaring is the listing of BTF that declares something in a section.
func declaring(t *testing.T, section string, what btf.Type) string {
	t.Helper()
	var b btf.Builder
	ds := &btf.Datasec{Name: section, Vars: []btf.VarSecinfo{{Type: what, Size: 32}}}
	if _, err := b.Add(ds); err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(".section .BTF progbits - 1\n\t.byte % x\n", raw)
}

// mapOf declares a map m by the BTF of its definition.
func mapOf(t *testing.T, value btf.Type) string {
	t.Helper()
	number := &btf.Int{Name: "unsigned int", Size: 4}
	is := func(n uint32) btf.Type {
		return &btf.Pointer{Target: &btf.Array{Index: number, Type: number, Nelems: n}}
	}
	definition := &btf.Struct{Size: 32, Members: []btf.Member{
		{Name: "type", Type: is(1)},
		{Name: "max_entries", Type: is(1), Offset: 64},
		{Name: "key", Type: &btf.Pointer{Target: number}, Offset: 128},
		{Name: "value", Type: &btf.Pointer{Target: value}, Offset: 192},
	}}
	return ".section .maps progbits wa 8\n.object m size 32\n\t.zero 32\n" +
		declaring(t, ".maps", &btf.Var{Name: "m", Type: definition, Linkage: btf.GlobalVar})
}

// TestTypes: what the types of an object, which a compiler writes, say that it needs.
func TestTypes(t *testing.T) {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	function := func(name string) btf.Type {
		return &btf.Func{Name: name, Type: &btf.FuncProto{Return: number}, Linkage: btf.ExternFunc}
	}
	variable := func(typ btf.Type) btf.Type { return &btf.Var{Name: "outside", Type: typ, Linkage: btf.ExternVar} }
	special := func(name string) btf.Type {
		return &btf.Struct{Name: name, Size: 4, Members: []btf.Member{{Name: "val", Type: number}}}
	}
	holder := func(member btf.Type) btf.Type {
		return &btf.Struct{Name: "value", Size: 8, Members: []btf.Member{{Name: "n", Type: number}, {Name: "held", Type: member, Offset: 32}}}
	}
	const call, hash, load = "\tcall outside\n", "\tcall bpf_xdp_metadata_rx_hash\n", "\tr1 = &outside\n"
	const extern, weak = ".extern outside\n", ".extern outside weak\n"
	for _, tt := range []struct {
		name, code, rest string
		about            string   // a word of what is said of it
		want             []string // all that is
	}{
		{
			"kernel function", hash, ".extern bpf_xdp_metadata_rx_hash\n" + declaring(t, ".ksyms", function("bpf_xdp_metadata_rx_hash")),
			"rx_hash",
			[]string{"6.3: kernel function bpf_xdp_metadata_rx_hash f"},
		},
		{
			"kernel function that may be missing", hash, ".extern bpf_xdp_metadata_rx_hash weak\n" + declaring(t, ".ksyms", function("bpf_xdp_metadata_rx_hash")),
			"rx_hash", nil,
		},
		{
			"unknown kernel function", call, extern + declaring(t, ".ksyms", function("outside")),
			"outside",
			[]string{"5.13: kernel function outside f", "unknown: kernel function outside f"},
		},
		{
			"kernel variable", load, extern + declaring(t, ".ksyms", variable(number)),
			"outside",
			[]string{"5.10: variable outside of the kernel f", "cilium: variable outside of the kernel has a type "},
		},
		{
			"kernel variable that may be missing", load, weak + declaring(t, ".ksyms", variable(number)),
			"outside",
			[]string{"cilium: variable outside of the kernel has a type "},
		},
		{"address of a kernel variable", load, extern + declaring(t, ".ksyms", variable(&btf.Void{})), "outside", nil},
		{"lock", "\tr1 = map[m]\n", mapOf(t, holder(special("bpf_spin_lock"))), "struct", []string{"5.1: struct bpf_spin_lock in a map m"}},
		{"timer", "\tr1 = map[m]\n", mapOf(t, special("bpf_timer")), "struct", []string{"5.15: struct bpf_timer in a map m"}},
		{
			"within an array", "\tr1 = map[m]\n", mapOf(t, holder(&btf.Array{Index: number, Type: holder(special("bpf_wq")), Nelems: 2})),
			"struct",
			[]string{"6.10: struct bpf_wq in a map m"},
		},
		{
			"within a union", "\tr1 = map[m]\n", mapOf(t, &btf.Union{Size: 4, Members: []btf.Member{{Name: "u", Type: special("bpf_refcount")}}}),
			"struct",
			[]string{"6.4: struct bpf_refcount in a map m"},
		},
		{"no such structure", "\tr1 = map[m]\n", mapOf(t, holder(number)), "struct ", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image, err := listing.Assemble(strings.NewReader(code("xdp", tt.code) + tt.rest))
			if err != nil {
				t.Fatal(err)
			}
			o, err := elf.Read(bytes.NewReader(image))
			if err != nil {
				t.Fatal(err)
			}
			r := check.Object(o)
			if len(r.Faults) > 0 {
				t.Errorf("faults %v", r.Faults)
			}
			got := slices.DeleteFunc(sentences(r), func(s string) bool { return !strings.Contains(s, tt.about) })
			if diff := cmp.Diff(tt.want, got); len(tt.want)+len(got) > 0 && diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

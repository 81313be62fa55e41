package kerneltypes

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// TestNamed compares with what decodes all types of the kernel, name by name:
// which types there are, and what lies where in them.
func TestNamed(t *testing.T) {
	all, err := btf.LoadKernelSpec()
	if errors.Is(err, btf.ErrNotSupported) {
		if _, err := Named([]string{"int"}); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("a kernel without types: %v, want %v", err, os.ErrNotExist)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{
		{"task_struct"},
		{"sk_buff", "net_device", "list_head", "in6_addr", "xdp_buff", "__sk_buff"},
		{"int", "u64", "gfp_t", "work_func_t", "atomic_t", "bool", "pid_t", "poll_table", "rwlock_t"},
		{"hrtimer_restart", "bpf_map_type", "pkt_hash_types", "btf_kind"},
		{"no_such_type"},
		{"no_such_type", "page", "inode", "file", "cred"},
	} {
		few, err := Named(names)
		if errors.Is(err, ErrModule) {
			t.Logf("%v: %v", names, err)
			continue
		}
		if err != nil {
			t.Fatalf("%v: %v", names, err)
		}
		for _, name := range names {
			if diff := cmp.Diff(describe(t, all, name), describe(t, few, name)); diff != "" {
				t.Errorf("%s: all types, few types (-, +):\n%s", name, diff)
			}
		}
	}
}

// describe writes down the types of a name, and what lies in them by value.
func describe(t *testing.T, spec *btf.Spec, name string) (out []string) {
	t.Helper()
	types, err := spec.AnyTypesByName(name)
	if err != nil && !errors.Is(err, btf.ErrNotFound) {
		t.Fatal(err)
	}
	for _, typ := range types {
		switch typ.(type) {
		case *btf.Func, *btf.Var, *btf.Datasec: // no relocation means one
			continue
		}
		out = append(out, layoutOf(typ, 0, true)...)
	}
	return out
}

// layoutOf lists the members of a type. Behind a pointer there is nothing, but
// of a type that is a pointer itself.
func layoutOf(t btf.Type, depth int, root bool) []string {
	indent := fmt.Sprintf("%*s", depth, "")
	switch u := t.(type) {
	case *btf.Struct:
		return append([]string{fmt.Sprintf("%sstruct %s %d", indent, u.Name, u.Size)}, membersOf(u.Members, depth)...)
	case *btf.Union:
		return append([]string{fmt.Sprintf("%sunion %s %d", indent, u.Name, u.Size)}, membersOf(u.Members, depth)...)
	case *btf.Array:
		return append([]string{fmt.Sprintf("%s[%d]", indent, u.Nelems)}, layoutOf(u.Type, depth+1, root)...)
	case *btf.Typedef:
		return append([]string{indent + "typedef " + u.Name}, layoutOf(u.Type, depth+1, root)...)
	case *btf.Const:
		return append([]string{indent + "const"}, layoutOf(u.Type, depth+1, root)...)
	case *btf.Volatile:
		return append([]string{indent + "volatile"}, layoutOf(u.Type, depth+1, root)...)
	case *btf.TypeTag:
		return append([]string{indent + "tag " + u.Value}, layoutOf(u.Type, depth+1, root)...)
	case *btf.Pointer:
		if !root {
			return []string{indent + "pointer"}
		}
		return append([]string{indent + "pointer"}, targetOf(u.Target, depth+1)...)
	case *btf.Enum:
		return []string{fmt.Sprintf("%senum %s %d %v %v", indent, u.Name, u.Size, u.Signed, u.Values)}
	case *btf.Int:
		return []string{fmt.Sprintf("%sint %s %d %v", indent, u.Name, u.Size, u.Encoding)}
	}
	return []string{fmt.Sprintf("%s%T %s", indent, t, t.TypeName())}
}

func membersOf(members []btf.Member, depth int) (out []string) {
	for _, m := range members {
		out = append(out, fmt.Sprintf("%*s%s at %d:%d", depth+1, "", m.Name, m.Offset, m.BitfieldSize))
		out = append(out, layoutOf(m.Type, depth+2, false)...)
	}
	return out
}

// targetOf tells what a pointer points at, as far as two such types are compared.
func targetOf(t btf.Type, depth int) []string {
	indent := fmt.Sprintf("%*s", depth, "")
	switch u := t.(type) {
	case *btf.Struct:
		return []string{fmt.Sprintf("%sstruct %s %d", indent, u.Name, u.Size)}
	case *btf.Union:
		return []string{fmt.Sprintf("%sunion %s %d", indent, u.Name, u.Size)}
	case *btf.FuncProto:
		out := append([]string{indent + "function"}, targetOf(u.Return, depth+1)...)
		for _, p := range u.Params {
			out = append(out, targetOf(p.Type, depth+1)...)
		}
		return out
	case *btf.Pointer:
		return append([]string{indent + "pointer"}, targetOf(u.Target, depth+1)...)
	case *btf.Const:
		return append([]string{indent + "const"}, targetOf(u.Type, depth+1)...)
	}
	return []string{fmt.Sprintf("%s%T %s", indent, t, t.TypeName())}
}

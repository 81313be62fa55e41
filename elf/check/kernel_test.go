package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/internal/bpftest"
)

// kernelTypes are the types of the running kernel: what its headers number, whatever it
// is built with.
func kernelTypes(t *testing.T) *btf.Spec {
	t.Helper()
	types, err := btf.LoadKernelSpec()
	bpftest.Need(t, bpftest.Feature{Name: "types of the kernel", Probe: func() error { return err }})
	return types
}

// enumerated are the values of the enumeration that has one of the name.
func enumerated(t *testing.T, types *btf.Spec, member string) map[uint64]string {
	t.Helper()
	for typ, err := range types.All() {
		if err != nil {
			t.Fatal(err)
		}
		e, ok := typ.(*btf.Enum)
		if !ok || !slices.ContainsFunc(e.Values, func(v btf.EnumValue) bool { return v.Name == member }) {
			continue
		}
		values := make(map[uint64]string)
		for _, v := range e.Values {
			if !strings.HasPrefix(v.Name, "__") && !strings.HasSuffix(v.Name, "_DEPRECATED") {
				values[v.Value] = v.Name
			}
		}
		return values
	}
	t.Fatalf("no enumeration has %s", member)
	return nil
}

// TestKernelNumbers: what the running kernel numbers, the tables call as old as it or
// older, and nothing else.
func TestKernelNumbers(t *testing.T) {
	types, running := kernelTypes(t), release(t)
	for _, tt := range []struct {
		member string
		ages   map[uint64]check.Kernel
		some   bool // the table has some numbers only
	}{
		{member: "BPF_MAP_TYPE_HASH", ages: check.MapTypes()},
		{member: "BPF_PROG_TYPE_XDP", ages: check.ProgramTypes()},
		{member: "BPF_FUNC_map_lookup_elem", ages: check.Helpers()},
		{member: "BPF_F_NO_PREALLOC", ages: check.MapFlags()},
		{member: "BPF_CGROUP_INET_INGRESS", ages: check.AttachTypes(), some: true},
	} {
		values := enumerated(t, types, tt.member)
		for n, since := range tt.ages {
			if name, ok := values[n]; ok == running.Before(since) {
				t.Errorf("%d of the enumeration with %s, since %s: in Linux %s: %v %s", n, tt.member, since, running, ok, name)
			}
		}
		for n, name := range values {
			if _, ok := tt.ages[n]; !ok && !tt.some && !strings.HasSuffix(name, "_UNSPEC") && !strings.HasSuffix(name, "_unspec") {
				t.Errorf("no age of %s (%d), which Linux %s has", name, n, running)
			}
		}
	}
}

// TestKernelTries: what the running kernel makes and loads is not called younger than it.
func TestKernelTries(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	running := release(t)
	for n, since := range check.MapTypes() {
		if typ := ebpf.MapType(n); running.Before(since) && bpftest.MapOf(typ, "").Probe() == nil {
			t.Errorf("Linux %s makes maps of type %s, said to be of %s", running, typ, since)
		}
	}
	for n, since := range check.ProgramTypes() {
		if typ := ebpf.ProgramType(n); running.Before(since) && bpftest.ProgramOf(typ).Probe() == nil {
			t.Errorf("Linux %s loads programs of type %s, said to be of %s", running, typ, since)
		}
	}
}

// builtBy are functions of modules and of parts that a kernel can be built without, by
// what is in their names. The first were plain functions before programs could call them.
var builtBy = []string{"tcp_", "_ct_", "xfrm", "_fou_", "_crypto_", "_flow_lookup", "_cgroup_", "_key", "_pkcs7_", "_task_", "_arena_", "_sk_assign_"}

// TestKernelFunctions: those that the running kernel has are called as old as it or older,
// and nothing else, of those that every kernel is built with.
func TestKernelFunctions(t *testing.T) {
	types, running := kernelTypes(t), release(t)
	for name, since := range check.KernelFunctions() {
		optional := slices.ContainsFunc(builtBy, func(part string) bool { return strings.Contains(name, part) })
		var f *btf.Func
		has := types.TypeByName(name, &f) == nil
		if old := running.Before(since); has && old && !strings.HasPrefix(name, "tcp_") || !has && !old && !optional {
			t.Errorf("%s, since %s: in Linux %s: %v", name, since, running, has)
		}
	}
}

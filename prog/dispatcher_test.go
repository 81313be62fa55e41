package prog_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/prog"
)

// TestMembers: by name, by its only map, and by what that has in it.
func TestMembers(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	v2 := func(n byte) []byte { return append([]byte{236, 2, n}, make([]byte, 121)...) }
	v1 := append([]byte{3}, make([]byte, 83)...)
	for _, tt := range []struct {
		name, program string
		flags         uint32
		conf          []byte
		want          int
	}{
		{"version 2", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, v2(2), 2},
		{"version 3", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, append(v2(2), 0, 0, 0, 0), 2},
		{"version 1", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, v1, 3},
		{"no member", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, v2(0), 0},
		{"too many", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, v2(11), 0},
		{"another name", "xdp_main", unix.BPF_F_RDONLY_PROG, v2(2), 0},
		{"a map that the program may change", "xdp_dispatcher", 0, v2(2), 0},
		{"another map", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, make([]byte, 124), 0},
		{"a small map", "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, []byte{236, 2, 2}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := withMap(t, tt.program, tt.flags, tt.conf)
			if got := p.Members(t.TempDir(), 3); len(got) != tt.want {
				t.Errorf("got %+v, want %d", got, tt.want)
			}
		})
	}
}

// TestMembersPinned: the members are those that are pinned, each in its place.
func TestMembersPinned(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	p := withMap(t, "xdp_dispatcher", unix.BPF_F_RDONLY_PROG, append([]byte{236, 2, 2}, make([]byte, 121)...))
	root := "/sys/fs/bpf/" + bpftest.NewNamespace(t).Name
	dir := p.MemberPins(root, 3)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	member := withMap(t, "member", 0, make([]byte, 4))
	if err := member.Program.Pin(filepath.Join(dir, "prog1-prog")); err != nil {
		t.Fatal(err)
	}
	ids := func(all []prog.Info) (ids []uint32) {
		for _, m := range all {
			ids = append(ids, m.ID)
		}
		return ids
	}
	if got := ids(p.Members(root, 3)); !slices.Equal(got, []uint32{0, member.ID}) {
		t.Errorf("got %d, want the second to be %d", got, member.ID)
	}
	if got := ids(p.Members(root, 4)); !slices.Equal(got, []uint32{0, 0}) {
		t.Errorf("on another device: %d", got)
	}
}

// withMap loads an XDP program that uses one array, with one value.
func withMap(t *testing.T, name string, flags uint32, value []byte) *prog.Program {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.Array, KeySize: 4, ValueSize: uint32(len(value)), MaxEntries: 1, Flags: flags,
		Contents: []ebpf.MapKV{{Key: uint32(0), Value: value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	loaded, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{
		asm.LoadMapPtr(asm.R1, m.FD()), asm.Mov.Imm(asm.R0, 2), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := prog.New(loaded)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

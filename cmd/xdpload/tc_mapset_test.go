package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

func TestMapSetLayout(t *testing.T) {
	set := &subject.MapSet{
		Object: "foo.o", Device: 0x1122334455667788, Inode: 7,
		Maps: []subject.SetMap{{Type: 2, KeySize: 4, ValueSize: 8, MaxEntries: 16, Flags: 1, ID: 42, Pinning: 2, InnerID: 3, InnerIndex: 1<<32 - 1}},
	}
	b := set.Encode()
	if len(b) != 88+36 {
		t.Fatalf("%d bytes", len(b))
	}
	u16, u32, u64 := binary.NativeEndian.Uint16, binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
	if u16(b) != 1 || u16(b[2:]) != 1 || string(b[4:10]) != "foo.o\x00" || u64(b[72:]) != set.Device || u64(b[80:]) != 7 {
		t.Errorf("header % x", b[:88])
	}
	if u32(b[88:]) != 2 || u32(b[88+5*4:]) != 42 || u32(b[88+8*4:]) != 1<<32-1 {
		t.Errorf("entry % x", b[88:])
	}
	got, err := subject.DecodeMapSet(append(b, make([]byte, 63*36)...)) // as iproute2 sends it
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(set, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMapSetMalformed(t *testing.T) {
	good := (&subject.MapSet{Maps: make([]subject.SetMap, 2)}).Encode()
	for _, tt := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "too short"},
		{"cut", good[:len(good)-1], "a set of 2 maps in 159 bytes"},
		{"version", slices.Concat(binary.NativeEndian.AppendUint16(nil, 2), good[2:]), "a set of maps of version 2, expected 1"},
		{"many", slices.Concat(good[:2], binary.NativeEndian.AppendUint16(nil, 65), good[4:], make([]byte, 65*36)), "a set of 65 maps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if s, err := subject.DecodeMapSet(tt.b); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, %v, want %q", s, err, tt.want)
			}
		})
	}
}

func FuzzMapSet(f *testing.F) {
	f.Add((&subject.MapSet{Object: "foo.o", Maps: make([]subject.SetMap, 3)}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := subject.DecodeMapSet(b)
		if err != nil {
			return
		}
		again, err := subject.DecodeMapSet(s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again); diff != "" && len(s.Object) < subject.SetNameSize {
			t.Error(diff)
		}
	})
}

// TestExportImport hands maps to tc and to ourselves.
func TestExportImport(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("tc"))
	dir := parityDir(t)
	for _, name := range []string{"legacy36.o", "count.o"} {
		if err := os.WriteFile(filepath.Join(dir, name), testobj.Bytes(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, importer string
		words          []string
		object         []string
		want           []string // of the environment, but for the descriptors' numbers
	}{
		{"ours, legacy", filepath.Join(dir, "xdpload"), []string{"tc"}, []string{"legacy36.o", "program", "xdp_legacy"}, nil},
		{"ours, BTF", filepath.Join(dir, "xdpload"), []string{"tc"}, []string{"count.o", "program", "xdp_count"}, []string{"BPF_MAP0", "BPF_NUM_MAPS"}},
		{"tc, legacy", "tc", nil, []string{"legacy36.o", "program", "xdp_legacy"}, nil},
		{"tc, BTF", "tc", nil, []string{"count.o", "program", "xdp_count"}, []string{"BPF_MAP0", "BPF_NUM_MAPS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newParitySide(t, dir, filepath.Join(dir, "xdpload"), "tc")
			socket := filepath.Join(t.TempDir(), "maps")
			script := `env | grep BPF_; for fd in $(env | sed -n 's/^BPF_MAP[0-9]*=//p'); do grep map_type /proc/self/fdinfo/$fd; done`
			cmd := exec.Command(tt.importer, slices.Concat(tt.words, []string{"exec", "bpf", "import", socket, "run", "/bin/sh", "-c", script})...)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			cmd.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH")}
			if tt.words != nil { // tc adds to what another import has left
				cmd.Env = append(cmd.Env, "BPF_NUM_MAPS=99", "BPF_MAP0=77", "BPF_MAP7=3")
			}
			s.ns.Do(cmd.Start)
			waitForFile(t, socket)
			words := slices.Concat([]string{"filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj"}, tt.object, []string{"type", "tc", "export", socket})
			if got, err := s.Run(words...); err != nil {
				cmd.Process.Kill() //nolint:errcheck // it may have ended
				t.Errorf("%v: %s", err, got)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("import: %v: %s", err, &out)
			}
			var names []string
			for _, m := range regexp.MustCompile(`(?m)^(BPF_\w+)=\d+$`).FindAllStringSubmatch(out.String(), -1) {
				names = append(names, m[1])
			}
			slices.Sort(names)
			if tt.want != nil && !slices.Equal(names, tt.want) || len(names) < 2 {
				t.Errorf("the environment has %q, want %q", names, tt.want)
			}
			if n := strings.Count(out.String(), "map_type:"); n != len(names)-1 {
				t.Errorf("%d maps are open: %s", n, &out)
			}
			if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket stays: %v", err)
			}
		})
	}
}

func waitForFile(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nobody made " + path)
}

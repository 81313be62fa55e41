package pin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/isolate"
	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/sys"
)

//go:generate clang -target bpfel -O2 -Wall -Werror -mcpu=v2 -fno-ident -ffreestanding -nostdinc -fdebug-compilation-dir=/testdata -fno-stack-protector -g -I../internal/testobj/src -c testdata/pinned.c -o testdata/pinned.o

// Environment variables with which the test binary starts itself again.
const (
	envPrivate = "PIN_TEST_PRIVATE"
	envVictim  = "PIN_TEST_VICTIM"
	envHolder  = "PIN_TEST_HOLDER"
)

// TestMain moves the process to a mount and a network namespace of its own, which take
// every mount and device with them when the last process in it ends, however it ends.
func TestMain(m *testing.M) {
	if root := os.Getenv(envVictim); root != "" {
		victim(root)
		return
	}
	if root := os.Getenv(envHolder); root != "" {
		holdUntilEOF(root)
		return
	}
	if os.Geteuid() == 0 && os.Getenv(envPrivate) == "" {
		if err := startPrivate(); err != nil {
			panic(fmt.Sprintf("private namespaces: %v", err))
		}
	}
	m.Run()
}

func startPrivate() error {
	runtime.LockOSThread()
	self, err := os.Executable() // while its path is one of this namespace
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := isolate.Mounts(); err != nil {
		return err
	}
	sys.RaiseMemlock() // maps count against it before Linux 5.11
	return syscall.Exec(self, os.Args, append(os.Environ(), envPrivate+"=1"))
}

func needRoot(tb testing.TB) {
	tb.Helper()
	need.Of(tb, need.Root)
}

// newFS mounts a BPF file system that lives as long as the test.
func newFS(tb testing.TB) *FS {
	tb.Helper()
	needRoot(tb)
	bpftest.NoLeaks(tb)
	dir := tb.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, "mode=0700"); err != nil {
		tb.Fatalf("mount bpffs: %v", err)
	}
	tb.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			tb.Errorf("unmount: %v", err)
		}
	})
	f, err := Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func newMap(tb testing.TB) *ebpf.Map {
	tb.Helper()
	return newMapOf(tb, &ebpf.MapSpec{Name: "m", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
}

func newMapOf(tb testing.TB, spec *ebpf.MapSpec) *ebpf.Map {
	tb.Helper()
	m, err := ebpf.NewMap(spec)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	return m
}

// newProgram loads an XDP program that uses a map.
func newProgram(tb testing.TB, m *ebpf.Map) *ebpf.Program {
	tb.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "p", Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Imm(asm.R0, 2),
			asm.Return(),
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

func begin(tb testing.TB, f *FS) *Txn {
	tb.Helper()
	txn, err := f.Begin()
	if err != nil {
		tb.Fatal(err)
	}
	return txn
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// tree lists what is on a file system, but for what the kernel puts there, as
// "path mode" or "path -> target" with the root as "".
func tree(tb testing.TB, root string) []string {
	tb.Helper()
	var lines []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == root || strings.HasSuffix(path, ".debug") {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		line := strings.TrimPrefix(path, root) + " " + st.Mode().String()
		if target, err := os.Readlink(path); err == nil {
			line += " -> " + strings.TrimPrefix(target, root)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func mapID(tb testing.TB, path string) uint32 {
	tb.Helper()
	e, err := readEntry(path)
	if err != nil {
		tb.Fatal(err)
	}
	return e.ID
}

// loopback is the index of lo in the network namespace that is ours alone.
const loopback = 1

func tool(tb testing.TB, env []string, name string, args ...string) {
	tb.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/pin"
)

// TestKernel runs each script with a network namespace of its own, which has
// lo and the veth pair v0 and v1, and with a BPF file system of its own.
func TestKernel(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	testscript.RunT(scriptT{t}, testscript.Params{Dir: "testdata/kernel", Setup: setupKernel, Cmds: scriptCommands})
}

// scriptT runs the scripts one after the other: they mount their file system
// where the program looks for one.
type scriptT struct{ *testing.T }

func (scriptT) Parallel() {}

func (scriptT) Verbose() bool { return testing.Verbose() }

func (t scriptT) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(scriptT{t}) })
}

// stage is what the commands of a running script share.
type stage struct {
	t      *testing.T
	bin    string // directory of the links to the program under test
	ns     *bpftest.Namespace
	home   *os.File // network namespace of the process
	status int      // of the last run of the program
	before *bpftest.Census
}

type stageKey struct{}

func of(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// setup puts every fixture into the working directory, and links to the
// program under its three names into bin.
func setup(env *testscript.Env) error {
	for _, name := range testobj.Names() {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), testobj.Bytes(name), 0o644); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s := &stage{t: env.T().(scriptT).T, bin: filepath.Join(env.WorkDir, ".bin")}
	if err := os.Mkdir(s.bin, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"xdpload", "ip", "tc"} {
		if err := os.Symlink(self, filepath.Join(s.bin, name)); err != nil {
			return err
		}
	}
	env.Setenv("BIN", s.bin)
	env.Setenv(asProgram, "1")
	env.Values[stageKey{}] = s
	return nil
}

// setupKernel moves the script's goroutine into the namespace. Whatever the
// script starts is there too; the thread dies with the goroutine.
func setupKernel(env *testscript.Env) error {
	err := setup(env)
	if err != nil {
		return err
	}
	s := env.Values[stageKey{}].(*stage)
	s.ns = bpftest.NewNamespace(s.t)
	s.ns.Veth("v0", "v1")
	env.Setenv("NS", s.ns.Name)
	if err := unix.Mount("bpf", pin.DefaultRoot, "bpf", 0, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	env.Defer(func() {
		if err := unix.Unmount(pin.DefaultRoot, 0); err != nil {
			s.t.Error("unmount:", err)
		}
	})
	if s.home, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	env.Defer(func() { s.home.Close() })
	return enter(s.ns.Name)
}

func enter(namespace string) error {
	f, err := os.Open(filepath.Join(netns.Dir, namespace))
	if err != nil {
		return err
	}
	defer f.Close()
	runtime.LockOSThread()
	return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
}

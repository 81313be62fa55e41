package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// checkXDP asks the kernel what a device runs. A bpf_link goes late.
func checkXDP(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts)
	defer c.Close()
	want := args[1:]
	got := running(ts, c, args[0])
	for deadline := time.Now().Add(bpftest.Patience); !slices.Equal(got, want) && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
		got = running(ts, c, args[0])
	}
	if !slices.Equal(got, want) {
		ts.Fatalf("%s runs %v, not %v", args[0], got, want)
	}
}

func running(ts *testscript.TestScript, c *netlink.Conn, device string) []string {
	l, err := c.Link(device)
	ts.Check(err)
	var all []string
	for _, p := range l.XDP.Programs {
		info, err := prog.InfoByID(p.ID)
		if errors.Is(err, os.ErrNotExist) {
			info = prog.Info{Name: "gone"} // since it was listed
		} else {
			ts.Check(err)
		}
		all = append(all, fmt.Sprintf("%s=%s", p.Mode, info.Name))
	}
	return all
}

func dial(ts *testscript.TestScript) *netlink.Conn {
	c, err := netlink.Dial(nil)
	ts.Check(err)
	return c
}

// holdLink attaches a program as other loaders do.
func holdLink(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts)
	defer c.Close()
	dev, err := c.Link(args[0])
	ts.Check(err)
	p := newTestProgram(ts, ebpf.XDP)
	defer p.Close()
	l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: dev.Index})
	ts.Check(err)
	defer l.Close()
	ts.Check(l.Pin(args[1]))
	info, err := l.Info()
	ts.Check(err)
	ts.Setenv("LINK", fmt.Sprint(info.ID))
}

func newTestProgram(ts *testscript.TestScript, kind ebpf.ProgramType) *ebpf.Program {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "other", Type: kind, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	ts.Check(err)
	return p
}

func pinProgram(ts *testscript.TestScript, _ bool, args []string) {
	kind := map[string]ebpf.ProgramType{"xdp": ebpf.XDP, "cls": ebpf.SchedCLS}[args[0]]
	p := newTestProgram(ts, kind)
	defer p.Close()
	ts.Check(os.MkdirAll(filepath.Dir(args[1]), 0o755))
	ts.Check(p.Pin(args[1]))
}

func pinMap(ts *testscript.TestScript, _ bool, args []string) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "some", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	ts.Check(err)
	defer m.Close()
	ts.Check(m.Pin(args[0]))
}

// checkPackets sends frames from the other end of the pair.
func checkPackets(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	peer := map[string]string{"v0": "v1", "v1": "v0"}[args[0]]
	c := dial(ts)
	defer c.Close()
	to, err := c.Link(args[0])
	ts.Check(err)
	from, err := c.Link(peer)
	ts.Check(err)
	receiver, sender := s.ns.Tap(to.Index), s.ns.Tap(from.Index)
	for n := range 3 {
		ts.Check(sender.Send(bpftest.Frame(uint32(n))))
	}
	frame, err := receiver.Receive()
	ts.Check(err)
	if neg != (frame == nil) {
		ts.Fatalf("frame: %x", frame)
	}
}

func takeCensus(ts *testscript.TestScript, _ bool, _ []string) {
	before, err := bpftest.NewCensus(pin.DefaultRoot)
	ts.Check(err)
	of(ts).before = before
}

func checkCensus(ts *testscript.TestScript, _ bool, _ []string) {
	left, err := of(ts).before.Grown()
	ts.Check(err)
	if len(left) > 0 {
		ts.Fatalf("left behind: %q", left)
	}
}

// runAsNobody runs the program without any privilege.
func runAsNobody(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(asNobody, "1")
	defer ts.Setenv(asNobody, "")
	runProgram(ts, neg, "xdpload", args)
}

func runAsLesser(ts *testscript.TestScript, neg bool, args []string) {
	runLacking(ts, neg, asLesser, "sys_admin", args)
}

// runWith runs the program with no capabilities but those named.
func runWith(ts *testscript.TestScript, neg bool, args []string) {
	runLacking(ts, neg, asLesser, "="+args[0], args[1:])
}

// runRefused runs the program where a seccomp filter refuses bpf(2).
func runRefused(ts *testscript.TestScript, neg bool, args []string) {
	errno := map[string]unix.Errno{"EPERM": unix.EPERM, "ENOSYS": unix.ENOSYS}[args[0]]
	runLacking(ts, neg, asRefused, strconv.Itoa(int(errno)), args[1:])
}

func runLacking(ts *testscript.TestScript, neg bool, how, what string, args []string) {
	ts.Setenv(how, what)
	defer ts.Setenv(how, "")
	runProgram(ts, neg, args[0], args[1:])
}

// runRootless runs the program as root of a user namespace, and of a network namespace of that.
func runRootless(ts *testscript.TestScript, neg bool, args []string) {
	probe := exec.Command("true") // without mappings: where clone fails, package syscall leaves their pipe open
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
	bpftest.Need(of(ts).t, bpftest.Feature{Name: "user namespaces", Probe: probe.Run})
	runLacking(ts, neg, asRootless, "1", append([]string{"xdpload"}, args...))
}

// attachNameless attaches a program as iproute2's own loader made them.
func attachNameless(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts)
	defer c.Close()
	dev, err := c.Link(args[0])
	ts.Check(err)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	ts.Check(err)
	defer p.Close()
	ts.Check(c.SetXDP(dev.Index, netlink.XDP{FD: p.FD()}))
}

// leave takes the rest of the script to a namespace that has lo only.
func leave(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(unix.Setns(int(of(ts).home.Fd()), unix.CLONE_NEWNET))
}

// startResident starts a process that stays in the script's namespace, and
// sets PID.
func startResident(ts *testscript.TestScript, _ bool, _ []string) {
	cmd := exec.Command("/proc/self/exe", "-batch", "-")
	cmd.Env = []string{asProgram + "=1"}
	waits, err := cmd.StdinPipe()
	ts.Check(err)
	ts.Check(netns.Do(of(ts).ns.Name, cmd.Start))
	ts.Setenv("PID", strconv.Itoa(cmd.Process.Pid))
	ts.Defer(func() {
		waits.Close()
		ts.Check(cmd.Wait())
	})
}

func setMTU(ts *testscript.TestScript, _ bool, args []string) {
	mtu, err := strconv.ParseUint(args[1], 10, 32)
	ts.Check(err)
	c := dial(ts)
	defer c.Close()
	dev, err := c.Link(args[0])
	ts.Check(err)
	ts.Check(testdev.SetMTU(dev.Index, uint32(mtu)))
}

func bindMount(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(unix.Mount(args[0], args[1], "", unix.MS_BIND, ""))
	ts.Defer(func() { ts.Check(unix.Unmount(args[1], 0)) })
}

func runInheriting(ts *testscript.TestScript, neg bool, args []string) {
	p, err := ebpf.LoadPinnedProgram(args[0], nil)
	ts.Check(err)
	defer p.Close()
	fd, err := unix.Dup(p.FD())
	ts.Check(err)
	inherited := os.NewFile(uintptr(fd), args[0])
	defer inherited.Close()
	cmd := exec.Command(filepath.Join(of(ts).bin, "xdpload"), args[1:]...)
	cmd.Env = []string{asProgram + "=1"}
	cmd.ExtraFiles = []*os.File{inherited}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	err = cmd.Run()
	afterRun(ts, neg, "inherit", args, err)
}

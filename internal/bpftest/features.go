package bpftest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// A Feature is something that a test needs and that not every machine has.
type Feature = need.Feature

// Need skips the test when one of the features is not there, and fails it when
// this kernel should have the feature. It is the only way to skip a test.
func Need(t testing.TB, features ...Feature) {
	t.Helper()
	need.Of(t, features...)
}

// The features that tests need.
var (
	// Root is the privilege to make namespaces and load programs.
	Root = need.Root
	// PlainUser is the way to run a command without privileges.
	PlainUser = Feature{Name: "root, to become a plain user", Probe: Root.Probe}
	// TCX is the multi-program tc hook.
	TCX = Feature{Name: "tcx", Since: "6.6", Config: "CONFIG_NET_XGRESS", Probe: probeHook(sys.TCXIngress)}
	// ActBPF is programs as tc actions.
	ActBPF = Feature{Name: "act_bpf", Since: "4.4", Config: "CONFIG_NET_ACT_BPF", Probe: probeAction(&netlink.Action{
		Kind: "bpf", BPF: &netlink.BPFAction{Bytecode: []netlink.Instruction{{Code: 6}}},
	})}
	// ActGact is verdicts as tc actions.
	ActGact = Feature{Name: "act_gact", Since: "4.4", Config: "CONFIG_NET_ACT_GACT", Probe: probeAction(&netlink.Action{Kind: "gact"})}
	// ActPolice is rate limits as tc actions.
	ActPolice = Feature{Name: "act_police", Since: "4.4", Config: "CONFIG_NET_ACT_POLICE", Probe: probeAction(&netlink.Action{
		Kind: "police", Police: &netlink.Police{Rate: 1 << 20, Burst: 1 << 14},
	})}
	// HTB is the qdisc whose classes have filters.
	HTB = Feature{Name: "sch_htb", Since: "4.4", Config: "CONFIG_NET_SCH_HTB", Probe: probeQdisc("htb")}
	// JIT is a kernel that compiles programs.
	JIT = Feature{Name: "the JIT compiler", Probe: probeJIT}
	// LinkRefusals is where the kernel says why it makes no bpf_link of XDP.
	LinkRefusals = Feature{Name: "the tracepoint of refused XDP links", Since: "6.7", Config: "CONFIG_BPF_EVENTS", Probe: probeTracepoint("bpf_xdp_link_attach_failed")}
	// UserReads is maps that a plain user may open by their pins, whatever else bpf(2) is kept for.
	UserReads = Feature{Name: "maps that a plain user may open", Since: "5.19", Probe: probeUserReads}
	// ContextOfXDP is struct xdp_md in test runs.
	ContextOfXDP = Feature{Name: "the context of XDP programs in test runs", Since: "5.15", Probe: probeContext}
	// Netkit is the kind of device, and its multi-program hooks.
	Netkit = Feature{Name: "netkit", Since: "6.7", Config: "CONFIG_NETKIT", Probe: probeHook(sys.NetkitPrimary)}
)

// Guest is a machine whose settings nobody else uses.
var Guest = Feature{Name: "a guest, whose settings nobody else uses", Probe: func() error {
	if !InGuest() {
		return errors.New("this is a machine of its own")
	}
	return nil
}}

// Command is the need for a program that is a witness beside ours.
func Command(name string) Feature { return need.Command(name) }

// withProgram loads a program that does nothing.
func withProgram(t ebpf.ProgramType, do func(fd int) error) error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: t, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return err
	}
	defer p.Close()
	return do(p.FD())
}

// probeJIT asks what became of a program: the setting is not seen in every namespace.
func probeJIT() error {
	return withProgram(ebpf.SocketFilter, func(fd int) error {
		info, err := sys.InfoOfProgram(fd)
		if err == nil && info.JITedSize == 0 {
			err = errors.New("programs are interpreted")
		}
		return err
	})
}

// probeUserReads opens a pin that is not there, on a thread of a plain user. Until
// Linux 5.19 kernel.unprivileged_bpf_disabled keeps all of bpf(2) from users.
func probeUserReads() error {
	answer := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with its user
		const nobody = 65534
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
			answer <- errno
			return
		}
		_, _, err := sys.OpenPinned("/nosuch")
		if errors.Is(err, unix.ENOENT) {
			err = nil
		}
		answer <- err
	}()
	return <-answer
}

// probeContext runs a program with a packet from its first byte on.
func probeContext() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	if err != nil {
		return err
	}
	defer p.Close()
	packet, context := make([]byte, 64), make([]byte, 24)
	binary.NativeEndian.PutUint32(context[4:], uint32(len(packet))) // data_end
	return sys.RunProgram(p.FD(), &sys.TestRun{Data: packet, DataOut: make([]byte, 64), Context: context})
}

// probeHook asks what the hook of the loopback device runs. A kernel that does
// not know the hook answers EINVAL, one that does may find fault with the device.
func probeHook(t sys.AttachType) func() error {
	return func() error {
		_, _, err := sys.QueryPrograms(1, t)
		if errors.Is(err, unix.EINVAL) {
			return err
		}
		return nil
	}
}

// probeTracepoint has a program that does nothing run at a tracepoint.
func probeTracepoint(name string) func() error {
	return func() error {
		return withProgram(ebpf.RawTracepoint, func(program int) error {
			fd, err := sys.OpenRawTracepoint(name, program)
			if err != nil {
				return err
			}
			return sys.Close(fd)
		})
	}
}

// Absent is the need for a kernel without a feature, to see what it is told.
func Absent(f Feature) Feature {
	return Feature{Name: "a kernel without " + f.Name, Probe: func() error {
		if f.Probe() == nil {
			return errors.New("this one has it")
		}
		return nil
	}}
}

// probeQdisc asks for a qdisc on the loopback device, without the options that its
// kind needs: a kernel without the kind does not get as far as to miss them.
func probeQdisc(kind string) func() error {
	return func() error {
		c, err := netlink.Dial(nil)
		if err != nil {
			return err
		}
		defer c.Close()
		err = c.AddQdisc(&netlink.Qdisc{Ifindex: 1, Kind: kind, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HandleRoot})
		if errors.Is(err, unix.EINVAL) {
			return nil
		}
		return fmt.Errorf("qdisc %s: %w", kind, err)
	}
}

// probeAction makes an action and deletes it.
func probeAction(a *netlink.Action) func() error {
	return func() error {
		c, err := netlink.Dial(nil)
		if err != nil {
			return err
		}
		defer c.Close()
		made, err := c.AddActions(a)
		if err != nil {
			return err
		}
		if len(made) != 1 {
			return fmt.Errorf("the kernel made %d actions", len(made))
		}
		return c.DeleteActions(a.Kind, made[0].Index)
	}
}

package bpftest

import (
	"errors"
	"os"
	"os/exec"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The features that tests need.
var (
	// Root is the privilege to make namespaces and load programs.
	Root = Feature{Name: "root", Probe: probeRoot}
	// PlainUser is the way to run a command without privileges.
	PlainUser = Feature{Name: "root, to become a plain user", Probe: probeRoot}
	// TCX is the multi-program tc hook.
	TCX = Feature{Name: "tcx", Since: "6.6", Config: "CONFIG_NET_XGRESS", Probe: probeTCX}
)

// Command is the need for a program that is a witness beside ours.
func Command(name string) Feature {
	return Feature{Name: "the command " + name, Probe: func() error {
		_, err := exec.LookPath(name)
		return err
	}}
}

func probeRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("run as root")
	}
	return nil
}

// probeTCX loads a program that names the hook: older kernels refuse the
// attach type only when it is attached, so the query is what tells.
func probeTCX() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.SchedCLS,
		AttachType:   ebpf.AttachTCXIngress,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		License:      "MIT",
	})
	if err != nil {
		return err
	}
	return p.Close()
}

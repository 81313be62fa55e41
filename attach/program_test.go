package attach_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/prog"
)

// newProgram has the kernel verify a program, which is closed with the test.
func newProgram(t *testing.T, spec *ebpf.ProgramSpec) *prog.Program {
	t.Helper()
	raw, err := ebpf.NewProgram(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	p, err := prog.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The verdicts of linux/pkt_cls.h, and the byte offset of tc_classid in struct
// __sk_buff of linux/bpf.h.
const (
	actOK     = 0
	actShot   = 2
	tcClassID = 72
)

// assemble loads a classifier.
func assemble(t *testing.T, insns ...asm.Instruction) *prog.Program {
	t.Helper()
	return newProgram(t, &ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "GPL", Instructions: append(insns, asm.Return()),
	})
}

func verdict(t *testing.T, v int32) *prog.Program { return assemble(t, asm.Mov.Imm(asm.R0, v)) }

// redirect sends every packet out of a device.
func redirect(t *testing.T, ifindex int) *prog.Program {
	return assemble(t, asm.Mov.Imm(asm.R1, int32(ifindex)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call())
}

// classifier loads a program of tc.o.
func classifier(t *testing.T, section string) *prog.Program {
	t.Helper()
	return lab.Load(t, "tc.o", elf.Selector{Section: section, Type: ebpf.SchedCLS}).Program()
}

package attach_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/prog"
)

// next is TCX_NEXT and NETKIT_NEXT.
const next = -1

// A trail is a number to which each program that a packet meets appends a
// digit.
type trail struct {
	t *testing.T
	m *ebpf.Map
}

func newTrail(t *testing.T) trail {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return trail{t, m}
}

// program appends the digit to the trail, if the packet is of the tests.
func (r trail) program(name string, digit, verdict int32) *prog.Program {
	r.t.Helper()
	return newProgram(r.t, &ebpf.ProgramSpec{
		Name: name, Type: ebpf.SchedCLS, License: "MIT",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R6, asm.R1, 16, asm.Word), // skb->protocol, network byte order
			asm.Mov.Imm(asm.R7, verdict),
			asm.HostTo(asm.BE, asm.R6, asm.Half),
			asm.JNE.Imm(asm.R6, bpftest.EtherType, "leave"),
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.LoadMapPtr(asm.R1, r.m.FD()),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "out"),
			asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
			asm.Mul.Imm(asm.R1, 10),
			asm.Add.Imm(asm.R1, digit),
			asm.StoreMem(asm.R0, 0, asm.R1, asm.Word),
			asm.Mov.Reg(asm.R0, asm.R7).WithSymbol("out"),
			asm.Return(),
			asm.Mov.Imm(asm.R0, next).WithSymbol("leave"),
			asm.Return(),
		},
	})
}

// read returns the trail of what send sends, and whether the stack of the
// receiver sees it.
func (r trail) read(from, to *bpftest.Tap) (way uint32, seen bool) {
	r.t.Helper()
	if err := r.m.Put(uint32(0), uint32(0)); err != nil {
		r.t.Fatal(err)
	}
	for { // what is left of before
		if frame, err := to.Receive(); err != nil || frame == nil {
			break
		}
	}
	if err := from.Offer(bpftest.Frame(1)); err != nil {
		r.t.Fatal(err)
	}
	frame, err := to.Receive()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.m.Lookup(uint32(0), &way); err != nil {
		r.t.Fatal(err)
	}
	return way, frame != nil
}

package bpftest_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

// TestReceive sends one frame at a time, of which the program drops those with an
// odd number: the receiver knows of each whether it came.
func TestReceive(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	const pass, drop = 2, 1
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "odd", Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // xdp_md->data
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // xdp_md->data_end
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, 18),
		asm.Mov.Imm(asm.R0, pass),
		asm.JGT.Reg(asm.R4, asm.R3, "out"),
		asm.LoadMem(asm.R5, asm.R2, 17, asm.Byte), // the number's last byte
		asm.And.Imm(asm.R5, 1),
		asm.JEq.Imm(asm.R5, 0, "out"),
		asm.Mov.Imm(asm.R0, drop),
		asm.Return().WithSymbol("out"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, mode := range []netlink.XDPMode{netlink.XDPNative, netlink.XDPGeneric} {
		t.Run(mode.Keyword(), func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, v1 := ns.Veth("v0", "v1")
			ns.Netlink(func(c *netlink.Conn) error { return c.SetXDP(v0, netlink.XDP{FD: p.FD(), Mode: mode}) })
			from, to := ns.Tap(v1), ns.Tap(v0)
			for n := range uint32(bpftest.Rounds(500)) {
				if err := from.Send(bpftest.Frame(n)); err != nil {
					t.Fatal(err)
				}
				frame, err := to.Receive()
				if err != nil || (frame != nil) != (n%2 == 0) {
					t.Fatalf("frame %d: received %x, %v", n, frame, err)
				}
			}
		})
	}
}

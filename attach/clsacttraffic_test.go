package attach_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// ours is what tests send; devices also say things of themselves, to IPv6.
const ours netlink.Protocol = bpftest.EtherType

// TestClsactVerdicts sends packets from v1 to v0, whose ingress has the filter.
func TestClsactVerdicts(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	c := ns.Conn()
	for _, tt := range []struct {
		name         string
		program      *prog.Program
		seen, echoed bool // at v0, and back at v1
	}{
		{"ok", verdict(t, actOK), true, false},
		{"shot", verdict(t, actShot), false, false},
		{"redirect", redirect(t, v0), false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hook := direct(v0, netlink.Ingress, "verdict")
			if _, err := lab.Attach(t, c, tt.program, attach.Plan{Hook: hook, Replace: true}); err != nil {
				t.Fatal(err)
			}
			near, far := ns.Tap(v0), ns.Tap(v1)
			for n := range uint32(3) {
				if err := far.Send(bpftest.Frame(n)); err != nil {
					t.Fatal(err)
				}
			}
			for _, end := range []struct {
				name string
				tap  *bpftest.Tap
				want bool
			}{{"v0", near, tt.seen}, {"v1", far, tt.echoed}} {
				frame, err := end.tap.Receive()
				if err != nil || (frame != nil) != end.want {
					t.Errorf("%s received %x, %v", end.name, frame, err)
				}
			}
		})
	}
}

// TestClsactClassID sends packets out of v0 through an htb qdisc with two
// classes.
func TestClsactClassID(t *testing.T) {
	bpftest.Need(t, bpftest.Command("tc"))
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	tc(t, ns, "qdisc add dev v0 root handle 1: htb")
	for _, class := range []string{"1:1", "1:2", "1:3"} {
		tc(t, ns, "class add dev v0 parent 1: classid "+class+" htb rate 1gbit quantum 1500")
	}
	parent := netlink.Parent(netlink.MakeHandle(1, 0))
	for _, tt := range []struct {
		class   string
		program *prog.Program
		options netlink.BPFFilter
	}{
		{"1:1", verdict(t, -1), netlink.BPFFilter{ClassID: netlink.MakeHandle(1, 1)}},
		{"1:2", verdict(t, 0x10002), netlink.BPFFilter{ClassID: netlink.MakeHandle(1, 1)}},
		{"1:3", assemble(t,
			asm.Mov.Imm(asm.R2, 3), // the minor number; the filter has the major one
			asm.StoreMem(asm.R1, tcClassID, asm.R2, asm.Word),
			asm.Mov.Imm(asm.R0, actOK),
		), netlink.BPFFilter{Direct: true, ClassID: netlink.MakeHandle(1, 1)}},
	} {
		t.Run(tt.class, func(t *testing.T) {
			tt.options.Name = "class"
			_, err := lab.Attach(t, c, tt.program, attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{Ifindex: v0, Parent: parent, Protocol: ours, BPF: &tt.options}}, Replace: true})
			if err != nil {
				t.Fatal(err)
			}
			before := classPackets(t, ns)
			const packets = 5
			tap := ns.Tap(v0)
			for n := range uint32(packets) {
				if err := tap.Send(bpftest.Frame(n)); err != nil {
					t.Fatal(err)
				}
			}
			after := classPackets(t, ns)
			for class, n := range after {
				want := 0
				if class == tt.class {
					want = packets
				}
				if got := n - before[class]; got != want {
					t.Errorf("class %s sent %d packets, want %d", class, got, want)
				}
			}
		})
	}
}

// classPackets is how many packets each class of v0 has sent. tc has no JSON of
// classes.
func classPackets(t *testing.T, ns *bpftest.Namespace) map[string]int {
	t.Helper()
	sent := make(map[string]int)
	class := ""
	for line := range strings.Lines(string(tc(t, ns, "-s class show dev v0"))) {
		var bytes, packets int
		if words := strings.Fields(line); len(words) > 2 && words[0] == "class" {
			class = words[2]
		} else if n, _ := fmt.Sscanf(line, " Sent %d bytes %d pkt", &bytes, &packets); n == 2 {
			sent[class] = packets
		}
	}
	return sent
}

// TestClsactReplaceUnderTraffic has two programs take turns. Each
// counts and drops what it meets: every packet is counted once, and the stack
// sees none.
func TestClsactReplaceUnderTraffic(t *testing.T) {
	replaces := bpftest.Rounds(1000)
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	c := ns.Conn()
	counts, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer counts.Close()
	counter := func(offset uint32) *prog.Program {
		return assemble(t,
			asm.LoadMapValue(asm.R1, counts.FD(), offset),
			asm.Mov.Imm(asm.R2, 1),
			asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R0, actShot),
		)
	}
	programs := []*prog.Program{counter(0), counter(8)}
	hook := direct(v0, netlink.Ingress, "counter")
	hook.Filter.Protocol = ours
	if _, err := lab.Attach(t, c, programs[0], attach.Plan{Hook: hook, Replace: true}); err != nil {
		t.Fatal(err)
	}
	read := func() (a, b uint64) {
		var value [16]byte
		if err := counts.Lookup(uint32(0), &value); err != nil {
			t.Fatal(err)
		}
		return binary.NativeEndian.Uint64(value[:]), binary.NativeEndian.Uint64(value[8:])
	}
	both := func() bool {
		a, b := read()
		return a > 0 && b > 0
	}

	seen, sender := ns.Tap(v0), ns.Tap(v1)
	traffic := sender.Start()
	for i := 0; i < replaces || !both(); i++ { // on a busy machine it may take more until both have met some
		a, err := lab.Attach(t, c, programs[(i+1)%2], attach.Plan{Hook: hook, Replace: true})
		if err != nil || a.Filter.Was == nil {
			t.Errorf("replace %d: %+v, %v", i, a, err)
			break
		}
	}
	n := traffic.Stop()
	a, b := read()
	if a+b != uint64(n) {
		t.Errorf("%d packets were sent, the programs counted %d and %d", n, a, b)
	}
	if frame, err := seen.Receive(); frame != nil || err != nil {
		t.Errorf("the stack saw %x, %v", frame, err)
	}
	t.Logf("%d replaces, %d packets: %d and %d", replaces, n, a, b)
}

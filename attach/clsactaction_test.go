package attach_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
)

// TestClsactActions has filters whose actions give the verdict, on real packets.
func TestClsactActions(t *testing.T) {
	reject := []netlink.Instruction{{Code: 6, K: 2}} // TC_ACT_SHOT
	for _, tt := range []struct {
		name   string
		needs  bpftest.Feature
		action *netlink.Action
		seen   bool
	}{
		{"gact pass", bpftest.ActGact, &netlink.Action{Kind: "gact", Verdict: netlink.VerdictPass}, true},
		{"gact drop", bpftest.ActGact, &netlink.Action{Kind: "gact", Verdict: netlink.VerdictDrop}, false},
		{"bpf drop", bpftest.ActBPF, &netlink.Action{Kind: "bpf", Verdict: netlink.VerdictPipe, BPF: &netlink.BPFAction{Bytecode: reject}}, false},
		{"police", bpftest.ActPolice, &netlink.Action{Kind: "police", Police: &netlink.Police{
			Rate: 1 << 20, Burst: 1 << 14, MTU: 20, Exceed: netlink.VerdictDrop, // every frame is longer
		}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, bpftest.Root, tt.needs)
			ns := bpftest.NewNamespace(t)
			v0, v1 := ns.Veth("v0", "v1")
			c := ns.Conn()
			_, err := lab.Attach(t, c, verdict(t, -1), attach.Plan{Hook: attach.Clsact{Filter: netlink.Filter{
				Ifindex: v0, Parent: netlink.Ingress, Protocol: ours,
				BPF: &netlink.BPFFilter{Name: "match", ClassID: netlink.MakeHandle(1, 1), Actions: []*netlink.Action{tt.action}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			near, far := ns.Tap(v0), ns.Tap(v1)
			if err := far.Send(bpftest.Frame(1)); err != nil {
				t.Fatal(err)
			}
			if frame, err := near.Receive(); err != nil || (frame != nil) != tt.seen {
				t.Errorf("v0 received %x, %v", frame, err)
			}
		})
	}
}

// TestSharedActions makes, changes, lists and deletes actions of each kind.
func TestSharedActions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		needs bpftest.Feature
		a, b  netlink.Action
	}{
		{
			"gact", bpftest.ActGact,
			netlink.Action{Kind: "gact", Index: 5, Verdict: netlink.VerdictPass, Random: &netlink.Random{N: 10, Verdict: netlink.VerdictDrop}},
			netlink.Action{Kind: "gact", Index: 5, Verdict: netlink.VerdictDrop, Cookie: []byte{1, 2}},
		},
		{
			"bpf", bpftest.ActBPF,
			netlink.Action{Kind: "bpf", Index: 5, Verdict: netlink.VerdictPipe, BPF: &netlink.BPFAction{Bytecode: []netlink.Instruction{{Code: 6}}}},
			netlink.Action{Kind: "bpf", Index: 5, Verdict: netlink.VerdictDrop, BPF: &netlink.BPFAction{Bytecode: []netlink.Instruction{{Code: 6, K: 2}}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, bpftest.Root, tt.needs)
			c := bpftest.NewNamespace(t).Conn()
			plain := func(a *netlink.Action) *netlink.Action {
				b := *a
				b.Refs, b.Binds, b.InHWCount, b.UsedHWStats, b.Stats, b.Times = 0, 0, nil, nil, nil, nil
				return &b
			}
			made, err := c.AddActions(&tt.a)
			if err != nil || len(made) != 1 {
				t.Fatalf("%+v, %v", made, err)
			}
			if diff := cmp.Diff(&tt.a, plain(made[0])); diff != "" {
				t.Errorf("added: -want +got:\n%s", diff)
			}
			if _, err := c.ReplaceActions(&tt.b); err != nil {
				t.Fatal(err)
			}
			for a, err := range c.Actions(tt.a.Kind, 0) {
				if err != nil {
					t.Fatal(err)
				}
				a = plain(a)
				a.Random = nil // stays from before
				if diff := cmp.Diff(&tt.b, a); diff != "" {
					t.Errorf("replaced: -want +got:\n%s", diff)
				}
			}
			if err := c.DeleteActions(tt.a.Kind, 5); err != nil {
				t.Error(err)
			}
		})
	}
}

package netlink

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

func TestActionKernel(t *testing.T) {
	c := inNetNS(t)
	want := []*Action{
		{Kind: "mirred", Index: 3, Verdict: VerdictStolen, Mirred: &Mirred{Ifindex: 1}, Cookie: []byte{0xab}},
		{Kind: "mirred", Index: 9, Verdict: VerdictPipe, Mirred: &Mirred{Ifindex: 1, Ingress: true, Mirror: true}, HWStats: HWStatsDisabled},
	}
	plain := func(actions []*Action) []*Action {
		for _, a := range actions {
			if n := a.InHWCount; n != nil && *n != 0 { // kernels before 5.17 do not tell
				t.Errorf("action %d: in hardware %d, want 0", a.Index, *n)
			}
			if used := a.UsedHWStats; used != nil && *used != HWStatsDisabled {
				t.Errorf("action %d: counted by hardware: %v", a.Index, used)
			}
			a.Refs, a.Stats, a.Times, a.InHWCount, a.UsedHWStats = 0, nil, nil, nil, nil
		}
		return actions
	}
	got, err := c.AddActions(want...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, plain(got)); diff != "" {
		t.Errorf("echo: -want +got:\n%s", diff)
	}
	if _, err := c.AddActions(want[0]); !errors.Is(err, os.ErrExist) {
		t.Errorf("again: %v", err)
	}
	want[0].Verdict = VerdictPipe
	if _, err := c.ReplaceActions(want[0]); err != nil {
		t.Error(err)
	}
	one, err := c.Action("mirred", 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:1], plain([]*Action{one})); diff != "" {
		t.Errorf("get: -want +got:\n%s", diff)
	}
	got = nil
	for a, err := range c.Actions("mirred", 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	if diff := cmp.Diff(want, plain(got)); diff != "" {
		t.Errorf("list: -want +got:\n%s", diff)
	}
	if err := c.DeleteActions("mirred", 3, 9); err != nil {
		t.Error(err)
	}
	if _, err := c.Action("mirred", 3); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("get of a deleted action: %v", err)
	}
	if err := c.FlushActions("mirred"); err != nil {
		t.Error(err)
	}
}

// TestActionKindsKernel: what the kernel says of an action is what was asked.
func TestActionKindsKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	random := gact(VerdictDrop)
	random.Random = &Random{Deterministic: true, N: 10, Verdict: VerdictPass}
	police := &Action{Kind: "police", Verdict: VerdictDrop, Police: &Police{
		Rate: 125000, Burst: 10240, PeakRate: 250000, MTU: 1500, Overhead: 4, LinkLayer: Ethernet,
		Exceed: VerdictDrop, Conform: VerdictPipe,
	}}
	packets := &Action{Kind: "police", Verdict: VerdictReclassify, Police: &Police{
		PacketRate: 1000, PacketBurst: 100, MTU: 1500, Exceed: VerdictReclassify,
	}}
	classic := &Action{Kind: "bpf", Verdict: VerdictPipe, BPF: &BPFAction{Bytecode: []Instruction{{Code: 6, K: 1}}}}
	for _, tt := range []struct {
		name   string
		config string
		a      *Action
	}{
		{"gact", "CONFIG_NET_ACT_GACT", gact(GotoChain(7))},
		{"gact random", "CONFIG_NET_ACT_GACT", random},
		{"police", "CONFIG_NET_ACT_POLICE", police},
		{"police packets", "CONFIG_NET_ACT_POLICE", packets},
		{"bpf bytecode", "CONFIG_NET_ACT_BPF", classic},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.AddFilter(&Filter{
				Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Kind: "bpf",
				BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6, K: 1}}, Actions: []*Action{tt.a}},
			})
			needAction(t, tt.config, err)
			if tt.a == packets {
				need.Of(t, need.Feature{Name: "limits of packets", Since: "5.13", Probe: func() error {
					if got.BPF.Actions[0].Police.PacketRate == 0 {
						return errors.New("the kernel leaves it out")
					}
					return nil
				}})
			}
			plain := got.BPF.Actions[0]
			if plain.Index == 0 || plain.Refs != 1 || plain.Binds != 1 {
				t.Errorf("got %+v", plain)
			}
			plain.Index, plain.Refs, plain.Binds, plain.Stats, plain.Times, plain.InHWCount, plain.UsedHWStats = 0, 0, 0, nil, nil, nil, nil
			if p := plain.Police; p != nil {
				p.Index, p.Refs, p.Binds, p.Times = 0, 0, 0, nil
			}
			if diff := cmp.Diff(tt.a, plain); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestBPFActionKernel(t *testing.T) {
	c := inNetNS(t)
	fd, id := program(t, ebpf.SchedACT, 0)
	want := &Action{
		Kind: "bpf", Index: 4, Verdict: VerdictPipe, Cookie: []byte{0xab, 0xcd}, NoPerCPU: true, HWStats: HWStatsImmediate,
		BPF: &BPFAction{FD: fd, Name: "act.o:[action]"},
	}
	_, err := c.AddActions(want)
	needAction(t, "CONFIG_NET_ACT_BPF", err)
	got, err := c.Action("bpf", 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.BPF.Tag) != 8 || got.Refs != 1 {
		t.Errorf("got %+v, %+v", got, got.BPF)
	}
	want.BPF.FD, want.BPF.ProgramID, want.BPF.Tag = 0, id, got.BPF.Tag
	got.Refs, got.Stats, got.Times, got.InHWCount, got.UsedHWStats = 0, nil, nil, nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i := range 40 { // more than the 32 of one message
		if _, err := c.AddActions(&Action{Kind: "bpf", Index: uint32(100 + i), Verdict: VerdictPipe, BPF: &BPFAction{FD: fd}}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, err := range c.Actions("bpf", 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 41 {
		t.Errorf("%d actions are listed, want 41", n)
	}
	if err := c.FlushActions("bpf"); err != nil {
		t.Error(err)
	}
	if _, err := c.Action("bpf", 4); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after flush: %v", err)
	}
}

// needAction skips on a kernel that is built without the action of an attempt.
func needAction(t *testing.T, config string, err error) {
	t.Helper()
	need.Of(t, need.Feature{Name: "the tc action of " + config, Since: "4.1", Config: config, Probe: func() error { return err }})
}

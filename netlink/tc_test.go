package netlink

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

type text interface {
	fmt.Stringer
	encoding.TextMarshaler
}

func TestText(t *testing.T) {
	tests := []struct {
		value text
		into  encoding.TextUnmarshaler
		want  string
		also  []string // read as the same value
	}{
		{MakeHandle(1, 2), new(Handle), "1:2", []string{"0x1:0x2", "10002"}},
		{MakeHandle(0xffff, 0), new(Handle), "ffff:", []string{"FFFF:0"}},
		{MakeHandle(0, 10), new(Handle), ":a", []string{"0:a", "a"}},
		{Handle(0), new(Handle), "none", []string{"0:", "0:0", "0"}},
		{HandleRoot, new(Handle), "root", []string{"ffff:ffff"}},
		{HandleClsact, new(Handle), "ffff:fff1", nil},
		{Ingress, new(Parent), "ingress", []string{"ffff:fff2"}},
		{Egress, new(Parent), "egress", []string{"ffff:fff3"}},
		{Root, new(Parent), "root", nil},
		{Parent(MakeHandle(1, 0)), new(Parent), "1:", nil},
		{ProtocolAll, new(Protocol), "all", []string{"ALL", "3", "0x3"}},
		{Protocol(unix.ETH_P_IP), new(Protocol), "ip", []string{"ipv4", "IP", "0x800"}},
		{Protocol(unix.ETH_P_8021Q), new(Protocol), "802.1Q", []string{"802.1q", "33024"}},
		{Protocol(4660), new(Protocol), "[4660]", []string{"4660", "0x1234"}},
		{Protocol(0), new(Protocol), "[0]", nil},
		{VerdictContinue, new(Verdict), "continue", []string{"-1"}},
		{VerdictPass, new(Verdict), "pass", []string{"ok"}},
		{VerdictDrop, new(Verdict), "drop", []string{"shot"}},
		{GotoChain(7), new(Verdict), "goto chain 7", []string{"goto chain 0x7"}},
		{Jump(2), new(Verdict), "jump 2", nil},
		{Verdict(42), new(Verdict), "42", nil},
		{ATM, new(LinkLayer), "atm", []string{"adsl"}},
		{HWStatsDelayed, new(HWStats), "delayed", nil},
		{NetkitL3, new(NetkitMode), "l3", nil},
		{NetkitBlackhole, new(NetkitPolicy), "blackhole", []string{"2"}},
		{NetkitScrubDefault, new(NetkitScrub), "default", nil},
		{Replaced, new(Change), "replaced", nil},
		{StateLowerLayerDown, new(OperState), "LOWERLAYERDOWN", nil},
		{OperState(77), new(OperState), "77", nil},
	}
	for _, tt := range tests {
		b, err := tt.value.MarshalText()
		if err != nil || string(b) != tt.want || tt.value.String() != tt.want {
			t.Errorf("%#v: got %s, %s, %v, want %s", tt.value, b, tt.value, err, tt.want)
		}
		for _, s := range append(tt.also, tt.want) {
			if err := tt.into.UnmarshalText([]byte(s)); err != nil {
				t.Error(err)
			} else if got := tt.into.(fmt.Stringer).String(); got != tt.want {
				t.Errorf("%q is read as %s, want %s", s, got, tt.want)
			}
		}
	}
}

func TestTextErrors(t *testing.T) {
	for _, tt := range []struct {
		into encoding.TextUnmarshaler
		bad  []string
	}{
		{new(Handle), []string{"", ":", "x:1", "1:2:3", "10000:", "1:10000", "100000000", "-1:", "1:-1"}},
		{new(Parent), []string{"", "inward"}},
		{new(Protocol), []string{"", "ipx7", "65536", "-1", "[ip]"}},
		{new(Verdict), []string{"", "pas", "jump x", "goto chain 268435456", "goto chain", "4294967296"}},
		{new(LinkLayer), []string{"token-ring", "256"}},
		{new(HWStats), []string{"often"}},
		{new(NetkitMode), []string{"l4"}},
		{new(NetkitPolicy), []string{"blackhol", "-1"}},
		{new(NetkitScrub), []string{"all"}},
		{new(Change), []string{"moved"}},
		{new(OperState), []string{"up"}},
	} {
		for _, s := range tt.bad {
			if err := tt.into.UnmarshalText([]byte(s)); err == nil {
				t.Errorf("%T takes %q, as %v", tt.into, s, tt.into)
			} else if !strings.Contains(err.Error(), `"`+s) {
				t.Errorf("%T: %v does not name %q", tt.into, err, s)
			}
		}
	}
}

func TestVerdictSplit(t *testing.T) {
	for v, want := range map[Verdict]string{Jump(3): "jump 3", GotoChain(9): "goto 9", VerdictTrap: "trap 0"} {
		word, value := v.Split()
		if got := fmt.Sprint(word, " ", value); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestPoliceTicks(t *testing.T) {
	if got := ticks(5e9, 102400); got != 320 {
		t.Errorf("100 KiB at 40 Gbit/s: %d ticks, want 320 (20.48 us)", got)
	}
	for _, rate := range []uint64{1, 125000, 1 << 32, 1 << 40} {
		for _, n := range []uint64{0, 1, 1500, 1 << 20} {
			got := units(rate, ticks(rate, n))
			if step := rate/ticksPerSecond + 1; got < n || got > n+step {
				t.Errorf("%d at %d/s is read back as %d", n, rate, got)
			}
		}
	}
	if ticks(0, 9) != 0 || units(0, 9) != 0 || ticks(1, 1<<63) != 1<<64-1 || units(1<<63, 1<<63) != 1<<64-1 {
		t.Error("the ends of the range")
	}
}

func TestPoliceWideRate(t *testing.T) {
	p := &Police{Rate: 5e9, Burst: 102400, PeakRate: 6e9, MTU: 1500, Exceed: VerdictDrop, LinkLayer: Ethernet}
	var e encoder
	p.encode(&e)
	var got Police
	d := newDecoder(e.b)
	if err := got.decode(d); err != nil || d.err != nil {
		t.Fatal(err, d.err)
	}
	if diff := cmp.Diff(p, &got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestQdiscKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	blocks := Clsact(va.Index)
	blocks.IngressBlock, blocks.EgressBlock = 7, 8
	for _, s := range []struct {
		name    string
		do      func(*Qdisc) error
		q       *Qdisc
		is      error
		errno   syscall.Errno
		message string
	}{
		{
			name: "change nothing", do: c.ChangeQdisc, q: Clsact(va.Index), is: os.ErrNotExist, errno: syscall.ENOENT,
			message: "Qdisc not found. To create specify NLM_F_CREATE flag",
		},
		{name: "delete nothing", do: c.DeleteQdisc, q: Clsact(va.Index), errno: syscall.EINVAL, message: "Invalid handle"},
		{name: "add", do: c.AddQdisc, q: blocks},
		{name: "add again", do: c.AddQdisc, q: blocks, is: os.ErrExist, errno: syscall.EEXIST, message: "Exclusivity flag on, cannot modify"},
		{name: "add ingress", do: c.AddQdisc, q: IngressQdisc(va.Index), is: os.ErrExist, errno: syscall.EEXIST, message: "Exclusivity flag on, cannot modify"},
		{name: "replace", do: c.ReplaceQdisc, q: Clsact(va.Index)},
		{name: "replace by ingress", do: c.ReplaceQdisc, q: IngressQdisc(va.Index), errno: syscall.EINVAL, message: "Invalid qdisc name"},
	} {
		checkError(t, s.name, s.do(s.q), s.is, s.errno, s.message)
	}
	var got, want []string
	for q, err := range c.Qdiscs(va.Index) {
		if err != nil {
			t.Fatal(err)
		}
		if q.Stats == nil || q.Refs == 0 {
			t.Errorf("got %+v", q)
		}
		got = append(got, fmt.Sprintln(q.Kind, q.Parent == HandleRoot, q.IngressBlock, q.EgressBlock))
	}
	want = []string{fmt.Sprintln("noqueue", true, 0, 0), fmt.Sprintln("clsact", false, 7, 8)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if q, err := c.Qdisc(va.Index, HandleClsact); err != nil || q.Kind != "clsact" || q.EgressBlock != 8 {
		t.Errorf("got %+v, %v", q, err)
	}
	if err := c.DeleteQdisc(Clsact(va.Index)); err != nil {
		t.Error(err)
	}
	if q, err := c.Qdisc(va.Index, HandleClsact); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("deleted: got %+v, %v", q, err)
	}
}

func TestQdiscsAgainstTC(t *testing.T) {
	c := inNetNS(t)
	tc, err := exec.LookPath("tc")
	if err != nil {
		t.Skip("needs tc(8) as the oracle")
	}
	clsact(t, c)
	type qdisc struct {
		Kind   string
		Handle string
		Parent *Handle
		Bytes  uint64
		Drops  uint32
	}
	var want, got []qdisc
	if err := json.Unmarshal(run(t, tc, "-j", "-s", "qdisc", "show"), &want); err != nil {
		t.Fatal(err)
	}
	for q, err := range c.Qdiscs(0) {
		if err != nil {
			t.Fatal(err)
		}
		j := qdisc{Kind: q.Kind, Handle: q.Handle.String(), Parent: &q.Parent, Bytes: q.Stats.Bytes, Drops: q.Stats.Drops}
		if q.Handle == 0 {
			j.Handle = "0:" // as qdiscs have it
		}
		if q.Parent == HandleRoot {
			j.Parent = nil
		}
		got = append(got, j)
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Bytes" }, cmp.Ignore())); diff != "" {
		t.Errorf("-tc +ours:\n%s", diff)
	}
}

func TestChainKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	on := Chain{Ifindex: va.Index, Parent: Ingress}
	four := on
	four.Index = 4
	if err := c.AddChain(&four); err != nil {
		t.Fatal(err)
	}
	if err := c.AddChain(&four); !errors.Is(err, os.ErrExist) {
		t.Errorf("again: %v", err)
	}
	want := Chain{Ifindex: va.Index, Parent: Parent(MakeHandle(0xffff, 0)), Index: 4}
	got, err := c.Chain(&four)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var all []Chain
	for ch, err := range c.Chains(&on) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *ch)
	}
	if diff := cmp.Diff([]Chain{want}, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := c.DeleteChain(&four); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Chain(&four); err == nil {
		t.Error("a deleted chain is found")
	}
}

func TestActionKernel(t *testing.T) {
	c := inNetNS(t)
	want := []*Action{
		{Kind: "mirred", Index: 3, Verdict: VerdictStolen, Mirred: &Mirred{Ifindex: 1}, Cookie: []byte{0xab}},
		{Kind: "mirred", Index: 9, Verdict: VerdictPipe, Mirred: &Mirred{Ifindex: 1, Ingress: true, Mirror: true}, HWStats: HWStatsDisabled},
	}
	plain := func(actions []*Action) []*Action {
		for _, a := range actions {
			a.Refs, a.Stats, a.Times = 0, nil, nil
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
		name string
		a    *Action
	}{
		{"gact", gact(GotoChain(7))},
		{"gact random", random},
		{"police", police},
		{"police packets", packets},
		{"bpf bytecode", classic},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.AddFilter(&Filter{
				Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Kind: "bpf",
				BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6, K: 1}}, Actions: []*Action{tt.a}},
			})
			skipWithoutAction(t, err)
			plain := got.BPF.Actions[0]
			if plain.Index == 0 || plain.Refs != 1 || plain.Binds != 1 {
				t.Errorf("got %+v", plain)
			}
			plain.Index, plain.Refs, plain.Binds, plain.Stats, plain.Times = 0, 0, 0, nil, nil
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
	skipWithoutAction(t, err)
	got, err := c.Action("bpf", 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.BPF.Tag) != 8 || got.Refs != 1 {
		t.Errorf("got %+v, %+v", got, got.BPF)
	}
	want.BPF.FD, want.BPF.ProgramID, want.BPF.Tag = 0, id, got.BPF.Tag
	got.Refs, got.Stats, got.Times = 0, nil, nil
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

// skipWithoutAction skips on a kernel that was built without the action.
func skipWithoutAction(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if errors.As(err, &e) && strings.HasPrefix(e.Message, "Failed to load TC action module") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMonitorKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	m, err := Subscribe(nil, TopicTC|TopicLinks)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()

	f := &Filter{
		Ifindex: va.Index, Parent: Ingress, Pref: 1, Handle: 1, Protocol: ProtocolAll, Kind: "bpf",
		BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6, K: 1}}},
	}
	ch := &Chain{Ifindex: va.Index, Parent: Ingress, Index: 4}
	set := func(do func(*Filter) (*Filter, error)) func() error {
		return func() error { _, err := do(f); return err }
	}
	var want []string
	for _, s := range []struct {
		event string
		do    func() error
	}{
		{"changed qdisc", func() error { return c.AddQdisc(Clsact(va.Index)) }},
		{"added filter", set(c.AddFilter)},
		{"replaced filter", set(c.ReplaceFilter)},
		{"changed filter", set(c.ChangeFilter)},
		{"deleted filter", func() error {
			return c.DeleteFilter(&Filter{Ifindex: va.Index, Parent: Ingress, Pref: 1, Handle: 1, Kind: "bpf"})
		}},
		{"added chain", func() error { return c.AddChain(ch) }},
		{"deleted chain", func() error { return c.DeleteChain(ch) }},
		{"changed link", func() error { return c.SetLinkMTU(va.Index, 1400) }},
		{"deleted link", func() error { return c.DeleteLink(va.Index) }},
	} {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		want = append(want, s.event)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got []string
	for ev, err := range m.Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		text, of := eventText(ev)
		if of == va.Index && (len(got) == 0 || got[len(got)-1] != text) { // one request may make several
			got = append(got, text)
		}
		if ev.Link != nil && ev.Change == Deleted && of == va.Index {
			break
		}
	}
	rest := got
	for _, w := range want { // in this order, among others
		i := slices.Index(rest, w)
		if i < 0 {
			t.Fatalf("no %q where it belongs in %q", w, got)
		}
		rest = rest[i+1:]
	}
	cancel()
	for ev, err := range m.Events(ctx) {
		t.Errorf("after cancel: %v, %v", ev, err)
	}
}

func eventText(ev *Event) (string, int) {
	switch {
	case ev.Link != nil:
		return ev.Change.String() + " link", ev.Link.Index
	case ev.Qdisc != nil:
		return ev.Change.String() + " qdisc", ev.Qdisc.Ifindex
	case ev.Chain != nil:
		return ev.Change.String() + " chain", ev.Chain.Ifindex
	case ev.Filter != nil:
		return ev.Change.String() + " filter", ev.Filter.Ifindex
	}
	return ev.Change.String() + " actions", 0
}

func TestMonitorSaysThatEventsWereLost(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	m, err := Subscribe(nil, TopicLinks)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i := range uint32(3000) {
		if err := c.SetLinkMTU(va.Index, 1000+i%2); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	events, lost := 0, 0
	for _, err := range m.Events(ctx) {
		switch {
		case errors.Is(err, unix.ENOBUFS):
			lost++
		case err != nil:
			t.Fatal(err)
		default:
			events++
		}
		if lost > 0 && events > 0 {
			return
		}
	}
	t.Errorf("%d events, %d notices of lost ones, want some of both", events, lost)
}

func TestMonitorEndsWithItsContext(t *testing.T) {
	inNetNS(t)
	m, err := Subscribe(nil, TopicTC)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for ev, err := range m.Events(ctx) {
		t.Errorf("got %v, %v", ev, err)
	}
}

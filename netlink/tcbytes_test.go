package netlink

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

func setFilterRequest(flags netlink.HeaderFlags, f Filter) request {
	f.Kind = "bpf"
	if f.Protocol == 0 && flags&netlink.Create != 0 {
		f.Protocol = ProtocolAll
	}
	return filterRequest("", unix.RTM_NEWTFILTER, flags, &f)
}

const (
	add     = netlink.Create | netlink.Excl
	replace = netlink.Create
)

// onIngress is a filter on va for program c1, with what change does to it.
func onIngress(pref uint16, change func(*BPFFilter)) Filter {
	f := Filter{Ifindex: 3, Parent: Ingress, Pref: pref, BPF: &BPFFilter{FD: 4, Name: "c1:[*fsobj]"}}
	if change != nil {
		change(f.BPF)
	}
	return f
}

func direct(b *BPFFilter) { b.Direct = true }

func withActions(actions ...*Action) request {
	return setFilterRequest(add, onIngress(actionPref(actions), func(b *BPFFilter) { b.Actions = actions }))
}

func actionPref(actions []*Action) uint16 {
	switch m := actions[0].Mirred; {
	case m == nil:
		return 12
	case m.Mirror:
		return 10
	}
	return 11
}

func gact(v Verdict) *Action { return &Action{Kind: "gact", Verdict: v} }

func withPolice(p *Police) request {
	return setFilterRequest(add, onIngress(12, func(b *BPFFilter) { b.Police = p }))
}

// mbit is "police rate 1mbit burst 10k".
func mbit() *Police { return &Police{Rate: 125000, Burst: 10240, Exceed: VerdictReclassify} }

func ingressRequest(op uint16, f Filter) request {
	f.Ifindex, f.Parent = 3, Ingress
	flags := netlink.HeaderFlags(0)
	if op == unix.RTM_GETTFILTER {
		flags = netlink.Echo
	}
	return filterRequest("", op, flags, &f)
}

// drain is the error of a list.
func drain[T any](all iter.Seq2[*T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

func listFilters(q FilterQuery) func(*Conn) error {
	return func(c *Conn) error { return drain(c.Filters(q)) }
}

// tcRequests is how each command line of testdata/tc.txt is asked for here.
func tcRequests() map[string]request {
	chain := &Chain{Ifindex: 3, Parent: Ingress, Index: 4}
	qdisc := func(typ uint16, flags netlink.HeaderFlags, q *Qdisc) request {
		return qdiscRequest("", typ, flags, q)
	}
	blocks := Clsact(3)
	blocks.IngressBlock, blocks.EgressBlock = 7, 8
	police := mbit()
	police.MTU, police.Exceed, police.Conform = 64<<10, VerdictDrop, VerdictPipe
	atm := &Police{
		Rate: 12500, Burst: 2048, PeakRate: 25000, MTU: 1500, Overhead: 4, MPU: 64, LinkLayer: ATM,
		Exceed: VerdictDrop,
	}
	packets := &Police{PacketRate: 1000, PacketBurst: 100, Exceed: VerdictDrop, Conform: VerdictPass}
	random := gact(VerdictDrop)
	random.Random = &Random{N: 10, Verdict: VerdictPass}
	indexed := gact(VerdictPass)
	indexed.Index = 5

	const filter = "tc filter add dev va ingress "
	return map[string]request{
		"tc qdisc add dev va clsact":                                qdisc(unix.RTM_NEWQDISC, add, Clsact(3)),
		"tc qdisc add dev vb ingress":                               qdisc(unix.RTM_NEWQDISC, add, IngressQdisc(2)),
		"tc qdisc replace dev va clsact":                            qdisc(unix.RTM_NEWQDISC, netlink.Create|netlink.Replace, Clsact(3)),
		"tc qdisc del dev va clsact":                                qdisc(unix.RTM_DELQDISC, 0, Clsact(3)),
		"tc qdisc add dev va ingress_block 7 egress_block 8 clsact": qdisc(unix.RTM_NEWQDISC, add, blocks),

		"tc filter add block 7 bpf da pinned c1":  setFilterRequest(add, Filter{Block: 7, BPF: onIngress(0, direct).BPF}),
		"tc filter del block 7":                   filterRequest("", unix.RTM_DELTFILTER, 0, &Filter{Block: 7}),
		"tc filter del block 7 pref 4":            filterRequest("", unix.RTM_DELTFILTER, 0, &Filter{Block: 7, Pref: 4}),
		filter + "bpf da pinned c1":               setFilterRequest(add, onIngress(0, direct)),
		filter + "bpf pinned c1 skip_sw skip_hw":  setFilterRequest(add, onIngress(0, func(b *BPFFilter) { b.SkipHW, b.SkipSW = true, true })),
		"tc filter add dev va root bpf pinned c1": setFilterRequest(add, Filter{Ifindex: 3, Parent: Root, BPF: onIngress(0, nil).BPF}),
		"tc filter add dev va parent 1: bpf pinned c1 classid 1:10": setFilterRequest(add, Filter{
			Ifindex: 3, Parent: Parent(MakeHandle(1, 0)),
			BPF: &BPFFilter{FD: 4, Name: "c1:[*fsobj]", ClassID: MakeHandle(1, 0x10)},
		}),
		"tc filter add dev va egress protocol ip pref 5 handle 3 chain 2 bpf pinned c1 classid 1:2 da skip_hw": setFilterRequest(add, Filter{
			Ifindex: 3, Parent: Egress, Protocol: unix.ETH_P_IP, Pref: 5, Handle: 3, Chain: 2,
			BPF: &BPFFilter{FD: 4, Name: "c1:[*fsobj]", ClassID: MakeHandle(1, 2), Direct: true, SkipHW: true},
		}),
		"tc filter replace dev va ingress pref 5 handle 3 bpf pinned c1 flowid 1:2": setFilterRequest(replace, Filter{
			Ifindex: 3, Parent: Ingress, Pref: 5, Handle: 3,
			BPF: &BPFFilter{FD: 4, Name: "c1:[*fsobj]", ClassID: MakeHandle(1, 2)},
		}),
		"tc filter change dev va ingress pref 5 handle 3 bpf da pinned c1": setFilterRequest(0, Filter{
			Ifindex: 3, Parent: Ingress, Pref: 5, Handle: 3, BPF: onIngress(0, direct).BPF,
		}),
		filter + "pref 9 bpf bytecode 2,40 0 0 12,6 0 0 4294967295, flowid 1:1": setFilterRequest(add, Filter{
			Ifindex: 3, Parent: Ingress, Pref: 9,
			BPF: &BPFFilter{ClassID: MakeHandle(1, 1), Bytecode: []Instruction{{Code: 40, K: 12}, {Code: 6, K: 1<<32 - 1}}},
		}),

		filter + "pref 10 bpf pinned c1 action mirred egress mirror dev lo":    withActions(&Action{Kind: "mirred", Verdict: VerdictPipe, Mirred: &Mirred{Ifindex: 1, Mirror: true}}),
		filter + "pref 11 bpf pinned c1 action mirred ingress redirect dev lo": withActions(&Action{Kind: "mirred", Verdict: VerdictStolen, Mirred: &Mirred{Ifindex: 1, Ingress: true}}),
		filter + "pref 12 bpf pinned c1 action drop":                           withActions(gact(VerdictDrop)),
		filter + "pref 12 bpf pinned c1 action ok index 5 action continue":     withActions(indexed, gact(VerdictContinue)),
		filter + "pref 12 bpf pinned c1 action gact index 5":                   withActions(indexed),
		filter + "pref 12 bpf pinned c1 action mirred index 9":                 withActions(&Action{Kind: "mirred", Index: 9}),
		filter + "pref 12 bpf pinned c1 action goto chain 7":                   withActions(gact(GotoChain(7))),
		filter + "pref 12 bpf pinned c1 action jump 2":                         withActions(gact(Jump(2))),
		filter + "pref 12 bpf pinned c1 action gact drop random netrand ok 10": withActions(random),
		filter + "pref 12 bpf pinned c1 action police rate 1mbit burst 10k":    withActions(&Action{Kind: "police", Police: mbit()}),
		filter + "pref 12 bpf pinned c1 action police index 7":                 withActions(&Action{Kind: "police", Police: &Police{Index: 7, Exceed: VerdictReclassify}}),

		filter + "pref 12 bpf pinned c1 police rate 1mbit burst 10k":                                                                 withPolice(mbit()),
		filter + "pref 12 bpf pinned c1 police rate 1mbit burst 10k mtu 64kb conform-exceed drop/pipe":                               withPolice(police),
		filter + "pref 12 bpf pinned c1 police rate 100kbit burst 2k peakrate 200kbit mtu 1500 overhead 4 linklayer atm mpu 64 drop": withPolice(atm),
		filter + "pref 12 bpf pinned c1 police pkts_rate 1000 pkts_burst 100 conform-exceed drop/ok":                                 withPolice(packets),

		"tc filter get dev va ingress protocol all pref 5 handle 3 bpf": ingressRequest(unix.RTM_GETTFILTER, Filter{Pref: 5, Handle: 3, Protocol: ProtocolAll, Kind: "bpf"}),
		"tc filter del dev va ingress pref 5 handle 3 bpf":              ingressRequest(unix.RTM_DELTFILTER, Filter{Pref: 5, Handle: 3, Kind: "bpf"}),
		"tc filter del dev va ingress pref 9":                           ingressRequest(unix.RTM_DELTFILTER, Filter{Pref: 9}),
		"tc filter del dev va ingress":                                  ingressRequest(unix.RTM_DELTFILTER, Filter{}),

		"tc chain add dev va ingress chain 4": chainRequest("", unix.RTM_NEWCHAIN, add, chain),
		"tc chain get dev va ingress chain 4": chainRequest("", unix.RTM_GETCHAIN, netlink.Echo, chain),
		"tc chain del dev va ingress chain 4": chainRequest("", unix.RTM_DELCHAIN, 0, chain),
	}
}

// tcCalls is the same for what has no request to build apart from its call.
func tcCalls() map[string]func(*Conn) error {
	addActions := func(a ...*Action) func(*Conn) error {
		return func(c *Conn) error { _, err := c.AddActions(a...); return err }
	}
	replaceActions := func(a ...*Action) func(*Conn) error {
		return func(c *Conn) error { _, err := c.ReplaceActions(a...); return err }
	}
	listActions := func(kind string, since time.Duration) func(*Conn) error {
		return func(c *Conn) error { return drain(c.Actions(kind, since)) }
	}
	bpf := func(change func(*Action)) *Action {
		a := &Action{Kind: "bpf", Verdict: VerdictPipe, BPF: &BPFAction{FD: 4, Name: "c1:[*fsobj]"}}
		if change != nil {
			change(a)
		}
		return a
	}
	continued := gact(VerdictContinue)
	continued.Index, continued.Random = 6, &Random{Deterministic: true, N: 5, Verdict: VerdictPass}
	conform := mbit()
	conform.Index, conform.Exceed, conform.Conform = 3, VerdictPipe, VerdictContinue
	return map[string]func(*Conn) error{
		"tc qdisc show":                 func(c *Conn) error { return drain(c.Qdiscs(0)) },
		"tc qdisc show dev va":          func(c *Conn) error { return drain(c.Qdiscs(3)) },
		"tc filter show block 7":        listFilters(FilterQuery{Block: 7}),
		"tc filter show dev va":         listFilters(FilterQuery{Ifindex: 3}),
		"tc filter show dev va ingress": listFilters(FilterQuery{Ifindex: 3, Parent: Ingress}),
		"tc filter show dev va ingress chain 2 pref 5 protocol ip": listFilters(FilterQuery{
			Ifindex: 3, Parent: Ingress, Chain: new(uint32(2)), Pref: 5, Protocol: unix.ETH_P_IP,
		}),
		"tc chain show dev va ingress": func(c *Conn) error {
			return drain(c.Chains(&Chain{Ifindex: 3, Parent: Ingress}))
		},
		"tc actions add action bpf pinned c1": addActions(bpf(nil)),
		"tc actions add action bpf pinned c1 index 4 cookie abcd hw_stats immediate no_percpu": addActions(bpf(func(a *Action) {
			a.Index, a.Cookie, a.HWStats, a.NoPerCPU = 4, []byte{0xab, 0xcd}, HWStatsImmediate, true
		})),
		"tc actions add action bpf pinned c1 skip_sw":          addActions(bpf(func(a *Action) { a.SkipSW = true })),
		"tc actions replace action bpf pinned c1 drop index 4": replaceActions(bpf(func(a *Action) { a.Verdict, a.Index = VerdictDrop, 4 })),
		"tc actions add action bpf bytecode 1,6 0 0 1, ok": addActions(bpf(func(a *Action) {
			a.Verdict, a.BPF.Bytecode = VerdictPass, []Instruction{{Code: 6, K: 1}}
		})),
		"tc actions get action bpf index 4":        func(c *Conn) error { _, err := c.Action("bpf", 4); return err },
		"tc actions del action bpf index 4":        func(c *Conn) error { return c.DeleteActions("bpf", 4) },
		"tc actions show action bpf":               listActions("bpf", 0),
		"tc actions show action mirred":            listActions("mirred", 0),
		"tc actions show action mirred since 1000": listActions("mirred", time.Second),
		"tc actions flush action bpf":              func(c *Conn) error { return c.FlushActions("bpf") },
		"tc actions flush action mirred":           func(c *Conn) error { return c.FlushActions("mirred") },
		"tc actions add action mirred egress redirect dev lo index 3": addActions(&Action{
			Kind: "mirred", Index: 3, Verdict: VerdictStolen, Mirred: &Mirred{Ifindex: 1},
		}),
		"tc actions add action mirred egress mirror blockid 22 index 5": addActions(&Action{
			Kind: "mirred", Index: 5, Verdict: VerdictPipe, Mirred: &Mirred{Block: 22, Mirror: true},
		}),
		"tc actions add action mirred ingress mirror dev lo index 11 hw_stats disabled": addActions(&Action{
			Kind: "mirred", Index: 11, Verdict: VerdictPipe, Mirred: &Mirred{Ifindex: 1, Ingress: true, Mirror: true},
			HWStats: HWStatsDisabled,
		}),
		"tc actions add action mirred ingress mirror dev lo index 12 hw_stats delayed skip_hw": addActions(&Action{
			Kind: "mirred", Index: 12, Verdict: VerdictPipe, Mirred: &Mirred{Ifindex: 1, Ingress: true, Mirror: true},
			HWStats: HWStatsDelayed, SkipHW: true,
		}),
		"tc actions add action drop action continue random determ pass 5 index 6":                    addActions(gact(VerdictDrop), continued),
		"tc actions replace action police rate 1mbit burst 10k index 3 conform-exceed pipe/continue": replaceActions(&Action{Kind: "police", Police: conform}),
	}
}

// sent is the request that a call sends first.
func sent(t *testing.T, call func(*Conn) error) request {
	var r request
	c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
		h := req[0].Header
		r = request{typ: uint16(h.Type), flags: h.Flags &^ (netlink.Request | netlink.Acknowledge), encoder: encoder{b: req[0].Data}}
		return []netlink.Message{ack(req[0], unix.EINVAL, "")}, nil
	})
	if err := call(c); !errors.Is(err, unix.EINVAL) {
		t.Errorf("got %v, want the kernel's EINVAL", err)
	}
	return r
}

func TestTCBytes(t *testing.T) {
	requests, calls := tcRequests(), tcCalls()
	commands := readTC(t)
	for command, want := range commands {
		t.Run(command, func(t *testing.T) {
			r, ok := requests[command]
			if call := calls[command]; call != nil {
				r, ok = sent(t, call), true
				r.flags &^= netlink.Echo // ours, to learn what the kernel chose
			}
			if !ok {
				t.Fatal("nothing here asks for that")
			}
			if strings.Contains(command, " police ") {
				forgiveMicroseconds(want.b, r.b)
			}
			if diff := cmp.Diff(describe(want), describe(r)); diff != "" {
				t.Errorf("-tc +ours:\n%s", diff)
			}
		})
	}
	if n := len(requests) + len(calls); n != len(commands) {
		t.Errorf("%d requests for %d command lines", n, len(commands))
	}
}

// forgiveMicroseconds makes want's times in ticks ours where they are less than
// a microsecond apart: this tc cuts them, with errors of floating point.
func forgiveMicroseconds(want, got []byte) {
	for i := 0; i+4 <= min(len(want), len(got)); i += 4 {
		w, g := binary.NativeEndian.Uint32(want[i:]), binary.NativeEndian.Uint32(got[i:])
		if w > 999 && g >= w && g-w <= 16 /* ticks of 64 ns */ {
			copy(want[i:i+4], got[i:i+4])
		}
	}
}

// describe is one line for each 4 bytes, so that a difference shows its place.
func describe(r request) []string {
	lines := []string{hex.EncodeToString(binary.BigEndian.AppendUint16(nil, r.typ)), r.flags.String()}
	for b := r.b; len(b) > 0; b = b[min(4, len(b)):] {
		lines = append(lines, hex.EncodeToString(b[:min(4, len(b))]))
	}
	return lines
}

// readTC reads testdata/tc.txt: paragraphs of a command line, the message's
// type and flags, and its payload.
func readTC(t *testing.T) map[string]request {
	t.Helper()
	need.Of(t, need.LittleEndian)
	b, err := os.ReadFile("testdata/tc.txt")
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]request{}
	for p := range strings.SplitSeq(string(b), "\n\n") {
		command, rest, _ := strings.Cut(strings.TrimSpace(p), "\n")
		if strings.HasPrefix(command, "#") {
			continue
		}
		m := unhex(t, rest)
		commands[command] = request{
			typ:     binary.NativeEndian.Uint16(m),
			flags:   netlink.HeaderFlags(binary.NativeEndian.Uint16(m[2:])) &^ (netlink.Request | netlink.Acknowledge),
			encoder: encoder{b: m[4:]},
		}
	}
	return commands
}

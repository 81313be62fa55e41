package netlink

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// An Action is what happens to a packet that a filter has matched. Its Kind
// says which of the kind's own fields is set.
type Action struct {
	Kind string // "gact", "mirred", "bpf" or "police"

	// Index is the number under which other filters can use the action, 0 in
	// a request for the kernel's choice.
	Index   uint32
	Verdict Verdict
	Cookie  []byte // up to 16 bytes, kept by the kernel

	NoPerCPU bool // no counters for each CPU
	SkipHW   bool
	SkipSW   bool
	HWStats  HWStats

	// Of the kind's own, the one that Kind names; gact may have none, and so may mirred
	// in a request for the action that has Index.
	Random *Random
	Mirred *Mirred
	BPF    *BPFAction
	Police *Police

	// Replies only.
	Refs, Binds int32
	InHWCount   *uint32  // devices that run it, nil where the kernel does not say
	UsedHWStats *HWStats // how they count, nil where the kernel does not say
	Stats       *Stats
	Times       *Times
}

// HWStats says how a device that runs an action is to count its packets.
type HWStats uint8

// How to count.
const (
	HWStatsAny       HWStats = 0                           // as the device can
	HWStatsImmediate HWStats = _TCA_ACT_HW_STATS_IMMEDIATE // up to date when read
	HWStatsDelayed   HWStats = _TCA_ACT_HW_STATS_DELAYED   // read from the device now and then
	HWStatsDisabled  HWStats = 1 << 7                      // our bit: the kernel's sets none
)

var hwStats = []name[HWStats]{
	{HWStatsAny, "any"},
	{HWStatsImmediate, "immediate"},
	{HWStatsDelayed, "delayed"},
	{HWStatsDisabled, "disabled"},
}

// String is tc's word.
func (h HWStats) String() string { return nameOf(hwStats, h) }

// MarshalText is [HWStats.String].
func (h HWStats) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what String writes.
func (h *HWStats) UnmarshalText(text []byte) error {
	return parse(h, hwStats, "kind of hardware statistics", text)
}

// Random makes a gact action say Verdict for some packets only (tc-gact's
// "random").
type Random struct {
	Deterministic bool   // every Nth packet, not one in N by chance
	N             uint16 // one packet of N
	Verdict       Verdict
}

// Mirred sends a packet, or a copy, to a device, or to several.
type Mirred struct {
	Ifindex int
	Block   uint32 // or all devices of this block of filters (Linux 6.8)
	Ingress bool   // as if the device had received it
	Mirror  bool   // a copy; otherwise the packet itself
}

// BPFAction runs a program, whose return value is the verdict if Verdict of
// the action is VerdictPipe.
type BPFAction struct {
	FD       int // of a program of type SCHED_ACT, if Bytecode is empty; -1 for the action with Index
	Name     string
	Bytecode []Instruction

	// Replies only.
	ProgramID uint32
	Tag       []byte // 8 bytes
}

// Times are since an action was installed, last used, first used, and until it
// expires; struct tcf_t of linux/pkt_cls.h.
type Times struct{ Installed, LastUsed, Expires, FirstUsed time.Duration }

// decodeTimes reads counts of clock ticks, 100 a second on every architecture
// (USER_HZ).
func decodeTimes(b []byte) *Times {
	t := new(Times)
	for i, p := range []*time.Duration{&t.Installed, &t.LastUsed, &t.Expires, &t.FirstUsed} {
		if len(b) < 8*(i+1) {
			break
		}
		*p = time.Duration(binary.NativeEndian.Uint64(b[8*i:])) * (time.Second / 100)
	}
	return t
}

// encodeActions appends a list of actions, numbered from 1, under typ.
func encodeActions(e *encoder, typ uint16, actions []*Action) {
	e.nest(typ, func() {
		for i, a := range actions {
			e.nest(uint16(i+1), func() { a.encode(e) })
		}
	})
}

func (a *Action) encode(e *encoder) {
	e.string(_TCA_ACT_KIND, a.Kind)
	e.nest(_TCA_ACT_OPTIONS|attrNested, func() { a.encodeOptions(e) })
	if a.Cookie != nil {
		e.bytes(_TCA_ACT_COOKIE, a.Cookie)
	}
	if a.HWStats != 0 {
		v := uint32(a.HWStats &^ HWStatsDisabled)
		e.bitfield(_TCA_ACT_HW_STATS, v, v)
	}
	if f := bitIf(a.NoPerCPU, _TCA_ACT_FLAGS_NO_PERCPU_STATS) |
		bitIf(a.SkipHW, _TCA_ACT_FLAGS_SKIP_HW) | bitIf(a.SkipSW, _TCA_ACT_FLAGS_SKIP_SW); f != 0 {
		e.bitfield(_TCA_ACT_FLAGS, f, f)
	}
}

// bitfield appends struct nla_bitfield32: the bits and which of them count.
func (e *encoder) bitfield(typ uint16, value, selector uint32) {
	e.bytes(typ, binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, value), selector))
}

// bitIf is the bit where it is set.
func bitIf(set bool, bit uint32) uint32 {
	if set {
		return bit
	}
	return 0
}

func (a *Action) encodeOptions(e *encoder) {
	switch {
	case a.Kind == "gact":
		a.encodeParms(e, _TCA_GACT_PARMS)
		if a.Random != nil {
			a.Random.encode(e)
		}
	case a.Kind == "mirred" && (a.Mirred != nil || a.Index != 0):
		a.encodeParms(e, _TCA_MIRRED_PARMS, a.Mirred.parms()...)
		if m := a.Mirred; m != nil && m.Block != 0 {
			e.u32(_TCA_MIRRED_BLOCKID, m.Block)
		}
	case a.Kind == "bpf" && a.BPF != nil:
		a.BPF.encode(e)
		a.encodeParms(e, _TCA_ACT_BPF_PARMS)
	case a.Kind == "police" && a.Police != nil:
		a.Police.encode(e)
	default:
		if e.err == nil {
			e.err = fmt.Errorf("action %q cannot be encoded, only bpf, gact, mirred and police, with the options of their kind", a.Kind)
		}
	}
}

// encodeParms appends tc_gen of linux/pkt_cls.h and what the kind adds to it.
func (a *Action) encodeParms(e *encoder, typ uint16, more ...uint32) {
	e.nest(typ, func() {
		for _, v := range append([]uint32{a.Index, 0, uint32(a.Verdict), 0, 0}, more...) {
			e.b = binary.NativeEndian.AppendUint32(e.b, v)
		}
	})
}

// encode appends struct tc_gact_p.
func (r *Random) encode(e *encoder) {
	typ := uint16(_PGACT_NETRAND)
	if r.Deterministic {
		typ = _PGACT_DETERM
	}
	e.nest(_TCA_GACT_PROB, func() {
		e.b = binary.NativeEndian.AppendUint16(e.b, typ)
		e.b = binary.NativeEndian.AppendUint16(e.b, r.N)
		e.b = binary.NativeEndian.AppendUint32(e.b, uint32(r.Verdict))
	})
}

var mirredCodes = []Mirred{
	_TCA_EGRESS_REDIR:   {},
	_TCA_EGRESS_MIRROR:  {Mirror: true},
	_TCA_INGRESS_REDIR:  {Ingress: true},
	_TCA_INGRESS_MIRROR: {Ingress: true, Mirror: true},
}

// parms is what struct tc_mirred adds to tc_gen: zeros for nil.
func (m *Mirred) parms() []uint32 {
	if m == nil {
		return []uint32{0, 0}
	}
	code := slices.IndexFunc(mirredCodes[1:], func(c Mirred) bool { return c.Ingress == m.Ingress && c.Mirror == m.Mirror })
	return []uint32{uint32(code + 1), uint32(m.Ifindex)}
}

func (b *BPFAction) encode(e *encoder) {
	if len(b.Bytecode) > 0 {
		encodeBytecode(e, _TCA_ACT_BPF_OPS_LEN, _TCA_ACT_BPF_OPS, b.Bytecode)
		return
	}
	if b.FD < 0 {
		return
	}
	e.u32(_TCA_ACT_BPF_FD, uint32(b.FD))
	if b.Name != "" {
		e.string(_TCA_ACT_BPF_NAME, b.Name)
	}
}

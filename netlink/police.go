package netlink

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// A LinkLayer is how a link pads packets, TC_LINKLAYER_* of linux/pkt_sched.h.
type LinkLayer uint8

// The link layers.
const (
	Ethernet LinkLayer = _TC_LINKLAYER_ETHERNET
	ATM      LinkLayer = _TC_LINKLAYER_ATM // cells of 53 bytes that carry 48
)

var linkLayers = []name[LinkLayer]{
	{0, "unspec"},
	{Ethernet, "ethernet"},
	{ATM, "atm"},
	{ATM, "adsl"},
}

// String is tc's word for the link layer.
func (l LinkLayer) String() string { return nameOf(linkLayers, l) }

// MarshalText is [LinkLayer.String].
func (l LinkLayer) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what String writes, and "adsl".
func (l *LinkLayer) UnmarshalText(text []byte) error { return parse(l, linkLayers, "link layer", text) }

// Police limits a rate (tc-police(8)). A request with only an Index refers to
// a policer that exists.
type Police struct {
	Index uint32

	Rate        uint64 // bytes per second
	Burst       uint32 // bytes
	PeakRate    uint64 // bytes per second
	MTU         uint32 // bytes, 0 for the kernel's choice; longer packets exceed
	MPU         uint16 // bytes; shorter packets count as this long
	Overhead    uint16 // bytes that are added to each packet
	LinkLayer   LinkLayer
	AvRate      uint32 // bytes per second, needs an estimator
	PacketRate  uint64 // packets per second (Linux 5.13)
	PacketBurst uint64 // packets

	Exceed  Verdict // tc's default is VerdictReclassify
	Conform Verdict

	// Replies only.
	Refs, Binds int32
	Times       *Times
}

// The kernel counts a rate's time in ticks of 64 ns: PSCHED_SHIFT of
// include/net/pkt_sched.h.
const ticksPerSecond = 1e9 / 64

// ticks is how long n units take at rate units per second, rounded up. (The tc of
// iproute2 6.1 cuts it to whole microseconds.)
func ticks(rate, n uint64) uint64 {
	if rate == 0 {
		return 0
	}
	hi, lo := bits.Mul64(n, ticksPerSecond)
	lo, carry := bits.Add64(lo, rate-1, 0)
	hi += carry
	if hi >= rate {
		return math.MaxUint64
	}
	t, _ := bits.Div64(hi, lo, rate)
	return t
}

// units is the inverse of ticks, rounded down.
func units(rate, t uint64) uint64 {
	hi, lo := bits.Mul64(rate, t)
	if hi >= ticksPerSecond {
		return math.MaxUint64
	}
	n, _ := bits.Div64(hi, lo, ticksPerSecond)
	return n
}

const (
	sizeofTcPolice   = 56
	sizeofRateTable  = 256 * 4
	defaultPoliceMTU = 2047
)

// ratespec appends struct tc_ratespec of linux/pkt_sched.h for one of p's
// rates: zeros for none.
func (p *Police) ratespec(e *encoder, rate uint64) {
	if rate == 0 {
		e.b = append(e.b, make([]byte, 12)...)
		return
	}
	e.b = append(e.b, p.cellLog(), byte(p.linkLayer()))
	e.b = binary.NativeEndian.AppendUint16(e.b, p.Overhead)
	e.b = binary.NativeEndian.AppendUint16(e.b, 0xffff) // cell_align -1
	e.b = binary.NativeEndian.AppendUint16(e.b, p.MPU)
	e.b = binary.NativeEndian.AppendUint32(e.b, uint32(min(rate, math.MaxUint32)))
}

func (p *Police) linkLayer() LinkLayer {
	if p.LinkLayer == 0 {
		return Ethernet
	}
	return p.LinkLayer
}

// cellLog is the shift that makes a packet's length an index of the rate table. The
// kernel refuses 0, with ENOMEM (net/sched/sch_api.c, qdisc_get_rtab).
func (p *Police) cellLog() uint8 {
	mtu := p.MTU
	if mtu == 0 {
		mtu = defaultPoliceMTU
	}
	log := uint8(1)
	for mtu>>log > 255 {
		log++
	}
	return log
}

// rateTable appends the ticks that packets of 256 lengths take. The kernel
// wants it but computes with the rate (net/sched/sch_api.c, qdisc_get_rtab).
func (p *Police) rateTable(e *encoder, rate uint64) {
	for i := range uint64(256) {
		size := max((i+1)<<p.cellLog(), uint64(p.MPU))
		if p.linkLayer() == ATM {
			size = (size + 47) / 48 * 53
		}
		e.b = binary.NativeEndian.AppendUint32(e.b, uint32(min(ticks(rate, size), math.MaxUint32)))
	}
}

// encode appends TCA_POLICE_* in tc's order.
func (p *Police) encode(e *encoder) {
	e.nest(_TCA_POLICE_TBF, func() {
		burst := min(ticks(p.Rate, uint64(p.Burst)), math.MaxUint32)
		for _, v := range []uint32{p.Index, uint32(p.Exceed), 0, uint32(burst), p.MTU} {
			e.b = binary.NativeEndian.AppendUint32(e.b, v)
		}
		p.ratespec(e, p.Rate)
		p.ratespec(e, p.PeakRate)
		e.b = append(e.b, make([]byte, 12)...) // refcnt, bindcnt, capab
	})
	p.encodeRate(e, p.Rate, _TCA_POLICE_RATE, _TCA_POLICE_RATE64)
	p.encodeRate(e, p.PeakRate, _TCA_POLICE_PEAKRATE, _TCA_POLICE_PEAKRATE64)
	if p.AvRate != 0 {
		e.u32(_TCA_POLICE_AVRATE, p.AvRate)
	}
	if p.Conform != VerdictPass { // the kernel's default
		e.u32(_TCA_POLICE_RESULT, uint32(p.Conform))
	}
	if p.PacketRate != 0 {
		e.u64(_TCA_POLICE_PKTRATE64, p.PacketRate)
		e.u64(_TCA_POLICE_PKTBURST64, ticks(p.PacketRate, p.PacketBurst))
	}
}

func (p *Police) encodeRate(e *encoder, rate uint64, table, wide uint16) {
	if rate == 0 {
		return
	}
	e.nest(table, func() { p.rateTable(e, rate) })
	if rate > math.MaxUint32 {
		e.u64(wide, rate)
	}
}

func (p *Police) decode(d *decoder) error {
	var burst, packetBurst uint64
	for d.next() {
		switch d.typ {
		case _TCA_POLICE_TBF:
			if len(d.data) < sizeofTcPolice {
				return fmt.Errorf("police: %w", errShort)
			}
			burst = p.decodeParms(d.data)
		case _TCA_POLICE_RATE64:
			p.Rate = d.u64()
		case _TCA_POLICE_PEAKRATE64:
			p.PeakRate = d.u64()
		case _TCA_POLICE_AVRATE:
			p.AvRate = d.u32()
		case _TCA_POLICE_RESULT:
			p.Conform = Verdict(d.u32())
		case _TCA_POLICE_PKTRATE64:
			p.PacketRate = d.u64()
		case _TCA_POLICE_PKTBURST64:
			packetBurst = d.u64()
		case _TCA_POLICE_TM:
			p.Times = decodeTimes(d.data)
		}
	}
	p.Burst = uint32(units(p.Rate, burst))
	p.PacketBurst = units(p.PacketRate, packetBurst)
	return nil
}

// decodeParms reads struct tc_police and returns the burst in ticks.
func (p *Police) decodeParms(b []byte) uint64 {
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(b[off:]) }
	p.Index, p.Exceed, p.MTU = u32(0), Verdict(u32(4)), u32(16)
	p.LinkLayer = LinkLayer(b[21] & 0xf)
	p.Overhead = binary.NativeEndian.Uint16(b[22:])
	p.MPU = binary.NativeEndian.Uint16(b[26:])
	p.Rate, p.PeakRate = uint64(u32(28)), uint64(u32(40))
	p.Refs, p.Binds = int32(u32(44)), int32(u32(48))
	return uint64(u32(12))
}

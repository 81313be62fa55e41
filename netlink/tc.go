package netlink

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
)

// A tcmsg is struct tcmsg of linux/rtnetlink.h, which opens every message
// about qdiscs, filters and chains.
type tcmsg struct {
	ifindex int32
	handle  uint32
	parent  uint32
	info    uint32
}

const sizeofTcmsg = 20

func (m tcmsg) encode() []byte {
	b := make([]byte, 4, 128) // family and padding
	b = binary.NativeEndian.AppendUint32(b, uint32(m.ifindex))
	b = binary.NativeEndian.AppendUint32(b, m.handle)
	b = binary.NativeEndian.AppendUint32(b, m.parent)
	return binary.NativeEndian.AppendUint32(b, m.info)
}

func decodeTcmsg(b []byte) (tcmsg, *decoder, error) {
	if len(b) < sizeofTcmsg {
		return tcmsg{}, nil, fmt.Errorf("tc: %w", errShort)
	}
	return tcmsg{
		ifindex: int32(binary.NativeEndian.Uint32(b[4:])),
		handle:  binary.NativeEndian.Uint32(b[8:]),
		parent:  binary.NativeEndian.Uint32(b[12:]),
		info:    binary.NativeEndian.Uint32(b[16:]),
	}, newDecoder(b[sizeofTcmsg:]), nil
}

// hook is where a filter or a chain is: a parent of a device, or a block, which
// the kernel has in the same two fields.
func hook(ifindex int, block uint32, p Parent) tcmsg {
	if block != 0 {
		return tcmsg{ifindex: _TCM_IFINDEX_MAGIC_BLOCK, parent: block}
	}
	return tcmsg{ifindex: int32(ifindex), parent: uint32(p)}
}

// where is the inverse of hook.
func (m tcmsg) where() (ifindex int, block uint32, p Parent) {
	if m.ifindex == _TCM_IFINDEX_MAGIC_BLOCK {
		return 0, m.parent, 0
	}
	return int(m.ifindex), 0, Parent(m.parent)
}

// info packs a filter's preference and protocol as the kernel has them: the
// protocol in network byte order.
func info(pref uint16, p Protocol) uint32 {
	return uint32(pref)<<16 | uint32(htons(uint16(p)))
}

func (m tcmsg) prefAndProtocol() (uint16, Protocol) {
	return uint16(m.info >> 16), Protocol(htons(uint16(m.info)))
}

// htons is its own inverse.
func htons(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// Stats are the counters of a qdisc or an action.
type Stats struct {
	Bytes      uint64
	Packets    uint64
	Drops      uint32 // packets
	Overlimits uint32 // times
	Requeues   uint32 // packets
	Backlog    uint32 // bytes
	QueueLen   uint32 // packets
}

// decode reads TCA_STATS2 or TCA_ACT_STATS, layouts in linux/gen_stats.h.
func (s *Stats) decode(d *decoder) error {
	for d.next() {
		switch {
		case d.typ == _TCA_STATS_BASIC && len(d.data) >= 12:
			s.Bytes = binary.NativeEndian.Uint64(d.data)
			s.Packets = max(s.Packets, uint64(binary.NativeEndian.Uint32(d.data[8:])))
		case d.typ == _TCA_STATS_PKT64 && len(d.data) >= 8:
			s.Packets = binary.NativeEndian.Uint64(d.data)
		case d.typ == _TCA_STATS_QUEUE && len(d.data) >= 20:
			for i, p := range []*uint32{&s.QueueLen, &s.Backlog, &s.Drops, &s.Requeues, &s.Overlimits} {
				*p = binary.NativeEndian.Uint32(d.data[4*i:])
			}
		}
	}
	return nil
}

// tcStats reads struct tc_stats of linux/pkt_sched.h, in which the kernel has what a limit
// of a filter counts (net/sched/act_api.c, tcf_action_copy_stats).
func (d *decoder) tcStats() *Stats {
	if len(d.data) < 20 {
		return nil
	}
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(d.data[off:]) }
	return &Stats{Bytes: binary.NativeEndian.Uint64(d.data), Packets: uint64(u32(8)), Drops: u32(12), Overlimits: u32(16)}
}

// tcRequest is a request whose message opens with m.
func tcRequest(op string, typ uint16, flags netlink.HeaderFlags, m tcmsg) request {
	r := request{op: op, typ: typ, flags: flags, encoder: encoder{b: m.encode()}}
	if m.ifindex > 0 {
		r.ifindex = int(m.ifindex)
	}
	return r
}

package netlink

import "encoding/binary"

// LinkStats are a device's counters since it was made: packets, but for the
// bytes. Rx is what the device received, Tx what it sent.
type LinkStats struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	RxOverErrors, RxMissed, RxMulticast     uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
	TxCarrierErrors, TxCollisions           uint64
}

// decode reads struct rtnl_link_stats64 of linux/if_link.h, which has grown
// over time. What is shorter than its first form is ignored.
func (s *LinkStats) decode(b []byte) {
	const numbers = 18 // up to tx_carrier_errors
	if len(b) < 8*numbers {
		return
	}
	n := func(i int) uint64 { return binary.NativeEndian.Uint64(b[8*i:]) }
	*s = LinkStats{
		RxPackets: n(0), TxPackets: n(1), RxBytes: n(2), TxBytes: n(3),
		RxErrors: n(4), TxErrors: n(5), RxDropped: n(6), TxDropped: n(7),
		RxMulticast: n(8), TxCollisions: n(9), RxOverErrors: n(11), RxMissed: n(15), TxCarrierErrors: n(17),
	}
}

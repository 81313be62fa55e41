package linkcmd

import (
	"strconv"

	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// linkStats is what -statistics adds, under the keys of `ip -json -s link`.
type linkStats struct {
	Rx struct {
		Bytes      uint64 `json:"bytes"`
		Packets    uint64 `json:"packets"`
		Errors     uint64 `json:"errors"`
		Dropped    uint64 `json:"dropped"`
		OverErrors uint64 `json:"over_errors"`
		Missed     uint64 `json:"missed_errors"`
		Multicast  uint64 `json:"multicast"`
	} `json:"rx"`
	Tx struct {
		Bytes         uint64 `json:"bytes"`
		Packets       uint64 `json:"packets"`
		Errors        uint64 `json:"errors"`
		Dropped       uint64 `json:"dropped"`
		CarrierErrors uint64 `json:"carrier_errors"`
		Collisions    uint64 `json:"collisions"`
	} `json:"tx"`
}

func reportLinkStats(s *netlink.LinkStats) *linkStats {
	r := new(linkStats)
	r.Rx.Bytes, r.Rx.Packets, r.Rx.Errors, r.Rx.Dropped = s.RxBytes, s.RxPackets, s.RxErrors, s.RxDropped
	r.Rx.OverErrors, r.Rx.Missed, r.Rx.Multicast = s.RxOverErrors, s.RxMissed, s.RxMulticast
	r.Tx.Bytes, r.Tx.Packets, r.Tx.Errors, r.Tx.Dropped = s.TxBytes, s.TxPackets, s.TxErrors, s.TxDropped
	r.Tx.CarrierErrors, r.Tx.Collisions = s.TxCarrierErrors, s.TxCollisions
	return r
}

// Write prints the lines of ip, with its widths: what a column has at least,
// and more for a longer number. The last, of compressed packets, stays empty.
func (s *linkStats) Write(t *render.Text) {
	rx := []uint64{s.Rx.Bytes, s.Rx.Packets, s.Rx.Errors, s.Rx.Dropped, s.Rx.Missed, s.Rx.Multicast}
	tx := []uint64{s.Tx.Bytes, s.Tx.Packets, s.Tx.Errors, s.Tx.Dropped, s.Tx.CarrierErrors, s.Tx.Collisions}
	widths := []int{10, 7, 6, 7, 7, 7}
	for i := range widths {
		widths[i] = max(widths[i], len(strconv.FormatUint(max(rx[i], tx[i]), 10)))
	}
	row := func(head string, names []string, numbers []uint64) {
		t.Printf("    %s %*s", head, widths[0]-len(head)-1, names[0])
		for i, name := range names[1:] {
			t.Printf(" %*s", widths[i+1], name)
		}
		t.Printf(" %10s\n    ", "")
		for i, n := range numbers {
			t.Printf("%*d ", widths[i], n)
		}
		t.WriteByte('\n')
	}
	row("RX:", []string{"bytes", "packets", "errors", "dropped", "missed", "mcast"}, rx)
	row("TX:", []string{"bytes", "packets", "errors", "dropped", "carrier", "collsns"}, tx)
}

package main

import (
	"strconv"
	"strings"

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
	r.Rx.OverErrors, r.Rx.Multicast = s.RxOverErrors, s.RxMulticast
	r.Tx.Bytes, r.Tx.Packets, r.Tx.Errors, r.Tx.Dropped = s.TxBytes, s.TxPackets, s.TxErrors, s.TxDropped
	r.Tx.CarrierErrors, r.Tx.Collisions = s.TxCarrierErrors, s.TxCollisions
	return r
}

func (s *linkStats) write(b *strings.Builder) {
	t := &render.Table{Right: []int{1, 2, 3, 4, 5, 6}}
	row := func(head string, numbers ...uint64) {
		cells := []string{head}
		for _, n := range numbers {
			cells = append(cells, strconv.FormatUint(n, 10))
		}
		t.Row(cells...)
	}
	t.Row("    RX:", "bytes", "packets", "errors", "dropped", "overrun", "mcast")
	row("", s.Rx.Bytes, s.Rx.Packets, s.Rx.Errors, s.Rx.Dropped, s.Rx.OverErrors, s.Rx.Multicast)
	t.Row("    TX:", "bytes", "packets", "errors", "dropped", "carrier", "collsns")
	row("", s.Tx.Bytes, s.Tx.Packets, s.Tx.Errors, s.Tx.Dropped, s.Tx.CarrierErrors, s.Tx.Collisions)
	_ = t.WriteText(b, render.Options{}) // a strings.Builder takes everything
}

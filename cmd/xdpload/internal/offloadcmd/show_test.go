package offloadcmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// TestShowText: what is told of devices that a test has not: a card, and one on a kernel
// that reports no features.
func TestShowText(t *testing.T) {
	for name, tt := range map[string]struct {
		report offloadReport
		want   string
	}{
		"a card": {
			offloadReport{
				Ifindex: 4, Device: "eth4", Driver: "nfp", Firmware: "bpf-2.0.6", Mode: netlink.XDPOffload, MTU: 1500, MaxMTU: 9216,
				Programs: []offloadProgram{{netlink.XDPNative, 7}, {netlink.XDPOffload, 8}},
				Features: []string{"basic", "redirect"}, Metadata: []string{"timestamp", "hash"}, XSK: []string{}, Segments: 1,
				RxQueues: 8, TxQueues: 9, Channels: &offload.Queues{Rx: 1, Tx: 2, Combined: 3}, LRO: true, TCOffload: true,
			},
			`4: eth4: driver nfp firmware bpf-2.0.6
    xdp-features basic redirect
    rx-metadata timestamp,hash xsk - zc-max-segs 1
    xdpdrv program id 7
    xdpoffload program id 8
    mtu 1500 max 9216
    queues rx 8 tx 9 in use rx 1 tx 2 combined 3
    lro on hw-tc-offload on
`,
		},
		"an older kernel": {
			offloadReport{Ifindex: 2, Device: "v0", Driver: "veth", MTU: 1500, XDPMTU: 3506, OfPeer: true, RxQueues: 1, TxQueues: 1},
			`2: v0: driver veth
    xdp-features unknown: the kernel reports them since Linux 6.3
    mtu 1500 with xdp 3506 of the peer
    queues rx 1 tx 1
    lro off hw-tc-offload off
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b render.Text
			tt.report.WriteText(&b, render.Options{})
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

package checkcmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/prog"
)

// What hardware says, which no test has at hand.
func TestPreflight(t *testing.T) {
	native := &netlink.Features{XDP: netlink.FeatureBasic}
	for _, tt := range []struct {
		name string
		mode netlink.XDPMode
		dev  offload.Device
		want []string // the ways out
	}{
		{name: "nothing", mode: netlink.XDPNative, dev: offload.Device{Driver: "igb", Features: native}},
		{name: "LRO", mode: netlink.XDPNative, dev: offload.Device{Driver: "bnxt_en", Features: native, LRO: true}, want: []string{"ethtool -K eth0 lro off"}},
		{name: "LRO, which generic turns off", mode: netlink.XDPGeneric, dev: offload.Device{Driver: "bnxt_en", Features: native, LRO: true}},
		{
			name: "LRO, and no XDP in the driver", mode: netlink.XDPAny,
			dev: offload.Device{Driver: "e1000", Features: new(netlink.Features), LRO: true},
		},
		{
			name: "no XDP in the driver", mode: netlink.XDPNative, dev: offload.Device{Driver: "e1000", Features: new(netlink.Features)},
			want: []string{"xdpload link set dev eth0 xdpgeneric obj FILE"},
		},
		{
			name: "an old kernel, a driver that is known", mode: netlink.XDPNative, dev: offload.Device{Driver: "ixgbe"},
		},
		{
			name: "an old kernel, and no offload", mode: netlink.XDPOffload, dev: offload.Device{Driver: "ixgbe"},
			want: []string{"xdpload link set dev eth0 xdp obj FILE"},
		},
		{name: "an old kernel, and nfp", mode: netlink.XDPOffload, dev: offload.Device{Driver: "nfp"}},
		{
			name: "separate queues", mode: netlink.XDPAny,
			dev:  offload.Device{Driver: "bnxt_en", Features: native, Queues: &offload.Queues{Rx: 4, Tx: 4, MaxCombined: 8}},
			want: []string{"ethtool -L eth0 rx 0 tx 0 combined 4"},
		},
		{
			name: "all queues in use", mode: netlink.XDPAny,
			dev:  offload.Device{Driver: "ena", Features: native, Queues: &offload.Queues{Combined: 8, MaxCombined: 8}},
			want: []string{"ethtool -L eth0 combined 4"},
		},
		{
			name: "half of the queues in use", mode: netlink.XDPAny,
			dev: offload.Device{Driver: "ena", Features: native, Queues: &offload.Queues{Combined: 4, MaxCombined: 8}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.dev.Link = &netlink.Link{Index: 2, Name: "eth0", MTU: 1500}
			c := &preflight{preflightRequest: &preflightRequest{Mode: tt.mode}, dev: &tt.dev}
			var got []string
			for _, rule := range []func() ([]problem, error){c.driver, c.size, c.queues, c.receive} {
				found, err := rule()
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range found {
					got = append(got, p.Fix)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ways out (-want +got):\n%s", diff)
			}
		})
	}
}

// Native and generic exclude each other, and the card's own program is beside both.
func TestPreflightOccupied(t *testing.T) {
	for _, tt := range []struct {
		name         string
		mode, beside netlink.XDPMode
		want         string
	}{
		{"native, native", netlink.XDPNative, netlink.XDPNative, "xdpload -force link set dev eth0 xdpdrv obj FILE"},
		{"native, generic", netlink.XDPNative, netlink.XDPGeneric, "xdpload link set dev eth0 xdpgeneric off"},
		{"generic, native", netlink.XDPGeneric, netlink.XDPNative, "xdpload link set dev eth0 xdpdrv off"},
		{"any, native", netlink.XDPAny, netlink.XDPNative, "xdpload -force link set dev eth0 xdp obj FILE"},
		{"any, generic", netlink.XDPAny, netlink.XDPGeneric, "xdpload link set dev eth0 xdpgeneric off"},
		{"offload, native", netlink.XDPOffload, netlink.XDPNative, ""},
		{"native, offload", netlink.XDPNative, netlink.XDPOffload, ""},
		{"offload, offload", netlink.XDPOffload, netlink.XDPOffload, "xdpload -force link set dev eth0 xdpoffload obj FILE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &preflight{
				preflightRequest: &preflightRequest{Mode: tt.mode}, env: new(env.Env),
				dev: &offload.Device{
					Link: &netlink.Link{Name: "eth0"}, Features: &netlink.Features{XDP: netlink.FeatureBasic},
				},
				attached: []*attach.Attachment{{Device: "eth0", Mode: tt.beside, Program: prog.Info{ID: 7}}},
			}
			found, err := c.occupied()
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, p := range found {
				got += p.Fix
			}
			if got != tt.want {
				t.Errorf("way out %q, want %q", got, tt.want)
			}
		})
	}
}

package checkcmd

import (
	"testing"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/prog"
)

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

package subject

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

func TestMain(m *testing.M) { os.Exit(bpftest.Main(m)) }

// TestProspect: what hardware says, which no test has at hand.
func TestProspect(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	native := &netlink.Features{XDP: netlink.FeatureBasic}
	const generic = "again with xdpgeneric"
	for _, tt := range []struct {
		name    string
		mode    netlink.XDPMode
		dev     offload.Device
		link    netlink.Link
		frags   bool
		want    []string // the ways out
		unknown bool
	}{
		{name: "a driver that is not known", mode: netlink.XDPNative, dev: offload.Device{Driver: "igb", Features: native}, unknown: true},
		{name: "in no driver", mode: netlink.XDPGeneric, dev: offload.Device{Driver: "igb", Features: native}},
		{name: "LRO", mode: netlink.XDPNative, dev: offload.Device{Driver: "hv_netvsc", Features: native, LRO: true}, want: []string{"ethtool -K eth0 lro off"}, unknown: true},
		{name: "LRO, which the driver turns off", mode: netlink.XDPNative, dev: offload.Device{Driver: "vmxnet3", Features: native, LRO: true}},
		{name: "LRO, and who knows", mode: netlink.XDPNative, dev: offload.Device{Driver: "netdevsim", Features: native, LRO: true}, unknown: true},
		{name: "LRO, which generic turns off", mode: netlink.XDPGeneric, dev: offload.Device{Driver: "hv_netvsc", Features: native, LRO: true}},
		{name: "LRO, and no XDP in the driver", mode: netlink.XDPAny, dev: offload.Device{Driver: "e1000", Features: new(netlink.Features), LRO: true}},
		{name: "no XDP in the driver", mode: netlink.XDPNative, dev: offload.Device{Driver: "e1000", Features: new(netlink.Features)}, want: []string{generic}},
		{name: "a driver that can, and a device that cannot", mode: netlink.XDPNative, dev: offload.Device{Driver: "tun", Features: new(netlink.Features)}, want: []string{generic}},
		{name: "an old kernel, and tun", mode: netlink.XDPNative, dev: offload.Device{Driver: "tun"}, link: netlink.Link{Type: 65534}, want: []string{generic}},
		{name: "an old kernel, and tap", mode: netlink.XDPNative, dev: offload.Device{Driver: "tun"}, link: netlink.Link{Type: 1}},
		{name: "an old kernel, a driver that is known", mode: netlink.XDPNative, dev: offload.Device{Driver: "ixgbe"}, unknown: true},
		{name: "an old kernel, and who knows", mode: netlink.XDPNative, dev: offload.Device{Driver: "other"}, unknown: true},
		{name: "an old kernel, and no offload", mode: netlink.XDPOffload, dev: offload.Device{Driver: "ixgbe"}, want: []string{"again with xdp"}},
		{name: "an old kernel, and nfp", mode: netlink.XDPOffload, dev: offload.Device{Driver: "nfp"}},
		{name: "separate queues", mode: netlink.XDPAny, dev: offload.Device{Driver: "bnxt_en", Features: native, Queues: &offload.Queues{Rx: 4, Tx: 4, MaxCombined: 8}}, want: []string{"ethtool -L eth0 rx 0 tx 0 combined 4"}, unknown: true},
		{name: "all queues in use", mode: netlink.XDPAny, dev: offload.Device{Driver: "ena", Features: native, Queues: &offload.Queues{Combined: 8, MaxCombined: 8}}, want: []string{"ethtool -L eth0 combined 4"}, unknown: true},
		{name: "half of the queues in use", mode: netlink.XDPAny, dev: offload.Device{Driver: "ena", Features: native, Queues: &offload.Queues{Combined: 4, MaxCombined: 8}}, unknown: true},
		{name: "vmxnet3, large", mode: netlink.XDPNative, dev: offload.Device{Driver: "vmxnet3", Features: native}, link: netlink.Link{MTU: 3495}, frags: true, want: []string{"ip link set dev eth0 mtu 3494"}},
		{name: "vmxnet3, large enough", mode: netlink.XDPNative, dev: offload.Device{Driver: "vmxnet3", Features: native}, link: netlink.Link{MTU: 3494}},
		{name: "virtio, large", mode: netlink.XDPAny, dev: offload.Device{Driver: "virtio_net", Features: native}, link: netlink.Link{MTU: 3507}, want: []string{"ip link set dev eth0 mtu 3506"}, unknown: true},
		{name: "virtio, several buffers", mode: netlink.XDPAny, dev: offload.Device{Driver: "virtio_net", Features: native}, link: netlink.Link{MTU: 9000}, frags: true, unknown: true},
		{name: "virtio whose host joins packets", mode: netlink.XDPNative, dev: offload.Device{Driver: "virtio_net", Features: native, GROFixed: true}, want: []string{generic}},
		{name: "a bond", mode: netlink.XDPNative, dev: offload.Device{Driver: "bonding", Features: new(netlink.Features), LRO: true}, link: netlink.Link{Bond: &netlink.Bond{Mode: netlink.BondActiveBackup}}},
		{name: "a bond that sends everywhere", mode: netlink.XDPAny, dev: offload.Device{Driver: "bonding", Features: new(netlink.Features)}, link: netlink.Link{Bond: &netlink.Bond{Mode: netlink.BondBroadcast}}, want: []string{generic}},
		{name: "a bond that hashes source addresses", mode: netlink.XDPNative, dev: offload.Device{Driver: "bonding", Features: native}, link: netlink.Link{Bond: &netlink.Bond{Mode: netlink.Bond8023AD, VLANSourceMAC: true}}, want: []string{generic}},
		{name: "a bond, not told", mode: netlink.XDPNative, dev: offload.Device{Driver: "bonding", Features: native}, unknown: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.link.Index, tt.link.Name = 4000, "eth0"
			tt.dev.Link = &tt.link
			s := Site{
				Env: &env.Env{Conn: ns.Conn()}, Device: &tt.dev, Mode: tt.mode, Frags: tt.frags,
				Again: func(m netlink.XDPMode) string { return "again with " + m.Keyword() },
			}
			found, err := s.Prospect()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range found.Problems {
				got = append(got, p.Fix)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ways out (-want +got):\n%s", diff)
			}
			if (len(found.Unknown) > 0) != tt.unknown {
				t.Errorf("not known: %q", found.Unknown)
			}
		})
	}
}

package netlink

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/genetlink/genltest"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

var netdev = genetlink.Family{ID: 0x1c, Name: "netdev", Version: 1}

func TestFeatures(t *testing.T) {
	// A reply of linux/netdev.h, with a feature and an attribute of the future.
	reply := unhex(t, `08000100 03000000 0c000300 67000000 00000080 08000400 01000000
		0c000500 07000000 00000000 0c000600 02000000 00000000 08001f00 01000000`)
	var sent genetlink.Message
	g := genltest.Dial(genltest.ServeFamily(netdev, func(greq genetlink.Message, _ netlink.Message) ([]genetlink.Message, error) {
		sent = greq
		return []genetlink.Message{{Data: reply}}, nil
	}))
	defer g.Close()
	got, err := features(g, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unhex(t, "08000100 03000000"), sent.Data); diff != "" || sent.Header.Command != 1 {
		t.Errorf("request %+v: -want +got:\n%s", sent.Header, diff)
	}
	want := &Features{
		XDP:              FeatureBasic | FeatureRedirect | FeatureXmit | FeatureFragments | FeatureXmitFragments | 1<<63,
		ZeroCopySegments: 1,
		RxMetadata:       RxTimestamp | RxHash | RxVLANTag,
		XSK:              XSKTxChecksum,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s := got.XDP.String(); s != "basic,redirect,ndo-xmit,rx-sg,ndo-xmit-sg,0x8000000000000000" {
		t.Error(s)
	}
	if got.RxMetadata.String() != "timestamp,hash,vlan-tag" || got.XSK.String() != "tx-checksum" {
		t.Error(got.RxMetadata, got.XSK)
	}
}

func TestFeaturesOfAnOldKernel(t *testing.T) {
	g := genltest.Dial(func(genetlink.Message, netlink.Message) ([]genetlink.Message, error) {
		return nil, genltest.Error(int(unix.ENOENT))
	})
	defer g.Close()
	if _, err := features(g, 3); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestFeaturesKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	f, err := c.Features(va.Index)
	need.Of(t, need.Feature{Name: "the netdev family's XDP features", Since: "6.3", Probe: func() error { return err }})
	if want := FeatureBasic | FeatureRedirect; f.XDP&want != want {
		t.Errorf("veth: got %+v", f)
	}
	_, err = c.Features(4711)
	var e *Error
	if !errors.As(err, &e) || e.Ifindex != 4711 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no device: got %v", err)
	}
}

// TestFeatureNames: whatever the running kernel has a name for is known by that name.
func TestFeatureNames(t *testing.T) {
	types, err := btf.LoadKernelSpec()
	need.Of(t, need.Feature{Name: "types of the kernel", Probe: func() error { return err }})
	for _, tt := range []struct {
		enum, prefix string
		names        func(bit uint64) []string
	}{
		{"netdev_xdp_act", "NETDEV_XDP_ACT_", func(bit uint64) []string { return XDPFeatures(bit).Names() }},
		{"netdev_xdp_rx_metadata", "NETDEV_XDP_RX_METADATA_", func(bit uint64) []string { return RxMetadata(bit).Names() }},
		{"netdev_xsk_flags", "NETDEV_XSK_FLAGS_", func(bit uint64) []string { return XSKFeatures(bit).Names() }},
	} {
		var enum *btf.Enum
		if err := types.TypeByName(tt.enum, &enum); errors.Is(err, btf.ErrNotFound) {
			continue // of a later kernel
		} else if err != nil {
			t.Fatal(err)
		}
		for _, v := range enum.Values {
			name, found := strings.CutPrefix(v.Name, tt.prefix)
			want := []string{strings.ReplaceAll(strings.ToLower(name), "_", "-")}
			if diff := cmp.Diff(want, tt.names(v.Value)); found && name != "MASK" && diff != "" {
				t.Errorf("%s: -want +got:\n%s", v.Name, diff)
			}
		}
	}
}

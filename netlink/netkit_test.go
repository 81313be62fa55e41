package netlink

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

func TestAddNetkit(t *testing.T) {
	tests := []struct {
		name string
		pair NetkitPair
		want string // after struct ifinfomsg
	}{
		{
			name: "defaults",
			want: "14001200 0b000100 6e65746b 69740000 04000280",
		},
		{
			name: "pair",
			pair: NetkitPair{
				Name: "nk0", Peer: "nk1", PeerNetNS: 9,
				Netkit: Netkit{Mode: new(NetkitL2), Policy: new(NetkitForward), PeerPolicy: new(NetkitBlackhole)},
			},
			want: `08000300 6e6b3000
				50001200 0b000100 6e65746b 69740000 40000280
				08000500 00000000 08000300 00000000 08000400 02000000
				24000100 00000000 00000000 00000000 00000000 08000300 6e6b3100 08001c00 09000000`,
		},
		{
			name: "single",
			pair: NetkitPair{Name: "nk0", Netkit: Netkit{
				Scrub: new(NetkitScrubNone), Headroom: 32, Tailroom: 8, Single: true,
			}},
			want: `08000300 6e6b3000
				34001200 0b000100 6e65746b 69740000 24000280
				08000600 00000000 06000800 20000000 06000900 08000000 08000a00 01000000`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sent(t, func(c *Conn) error { return c.AddNetkit(tt.pair) })
			want := request{typ: unix.RTM_NEWLINK, flags: netlink.Create | netlink.Excl}
			want.b = append(make([]byte, unix.SizeofIfInfomsg), unhex(t, tt.want)...)
			if diff := cmp.Diff(describe(want), describe(r)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var l Link
			if err := l.decode(r.b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.pair.Netkit, l.Netkit); diff != "" {
				t.Errorf("decoded: -want +got:\n%s", diff)
			}
		})
	}
}

func TestChangeLink(t *testing.T) {
	const device = "00000000 03000000 00000000 00000000"
	for _, tt := range []struct {
		name string
		do   func(*Conn) error
		typ  uint16
		want string
	}{
		{"delete", func(c *Conn) error { return c.DeleteLink(3) }, unix.RTM_DELLINK, device},
		{
			"set", func(c *Conn) error { return c.SetNetkit(3, Netkit{PeerPolicy: new(NetkitForward)}) }, unix.RTM_NEWLINK,
			device + "1c001200 0b000100 6e65746b 69740000 0c000280 08000400 00000000",
		},
		{ // without IFLA_INFO_DATA the kernel would not look at the kind
			"set nothing", func(c *Conn) error { return c.SetNetkit(3, Netkit{}) }, unix.RTM_NEWLINK,
			device + "14001200 0b000100 6e65746b 69740000 04000280",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := request{typ: tt.typ, encoder: encoder{b: unhex(t, tt.want)}}
			if diff := cmp.Diff(describe(want), describe(sent(t, tt.do))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNetkitNameTooLong(t *testing.T) {
	long := strings.Repeat("n", math.MaxUint16)
	for _, pair := range []NetkitPair{{Name: long}, {Peer: long}} {
		err := fake(t, nil).AddNetkit(pair)
		if e, ok := errors.AsType[*Error](err); !ok || e.Op != "add netkit" {
			t.Errorf("got %v", err)
		}
	}
}

func TestNetkitErrors(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	err := c.AddNetkit(NetkitPair{Name: "a-name-of-18-bytes"})
	checkError(t, "long name", err, nil, unix.ERANGE, "Attribute failed policy validation")
	checkError(t, "of a veth", c.SetNetkit(va.Index, Netkit{}), errors.ErrUnsupported, unix.EOPNOTSUPP, "")
	checkError(t, "no device", c.SetNetkit(4711, Netkit{}), os.ErrNotExist, unix.ENODEV, "")
}

func TestNetkitKernel(t *testing.T) {
	c := inNetNS(t)
	err := c.AddNetkit(NetkitPair{Name: "nk0", Peer: "nk1", Netkit: Netkit{
		Mode: new(NetkitL2), PeerPolicy: new(NetkitBlackhole),
	}})
	need.Of(t, need.Feature{Name: "netkit", Since: "6.7", Config: "CONFIG_NETKIT", Probe: func() error { return err }})
	for _, name := range []string{"nk0", "nk1"} {
		if l := linkT(t, c, name); l.Kind != "netkit" || l.Netkit == nil || *l.Netkit.Mode != NetkitL2 || l.Netkit.Primary != (name == "nk0") {
			t.Errorf("%s: got %+v, %+v", name, l, l.Netkit)
		}
	}
	nk0 := linkT(t, c, "nk0")
	if *nk0.Netkit.Policy != NetkitForward || *nk0.Netkit.PeerPolicy != NetkitBlackhole {
		t.Errorf("got %+v", nk0.Netkit)
	}
	if err := c.SetNetkit(nk0.Index, Netkit{Policy: new(NetkitBlackhole), PeerPolicy: new(NetkitForward)}); err != nil {
		t.Fatal(err)
	}
	nk0 = linkT(t, c, "nk0")
	if *nk0.Netkit.Policy != NetkitBlackhole || *nk0.Netkit.PeerPolicy != NetkitForward {
		t.Errorf("changed: got %+v", nk0.Netkit)
	}
}

package netlink

import (
	"encoding/binary"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Veth is a pair of devices to create: what one sends the other receives.
type Veth struct {
	// Name and Peer are the two names, up to 15 bytes each; the kernel
	// chooses where one is empty ("veth0", …).
	Name, Peer string
	// PeerNetNS is an open file descriptor of the network namespace that Peer
	// is created in, 0 for the Conn's own.
	PeerNetNS int
}

// AddVeth creates a pair of devices, both down. A name that is taken is
// [os.ErrExist].
func (c *Conn) AddVeth(v Veth) error {
	peer := &rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{Name: v.Peer}}
	if v.PeerNetNS > 0 {
		peer.Attributes.NetNS = rtnetlink.NetNSForFD(uint32(v.PeerNetNS))
	}
	r := request{op: "add veth", typ: unix.RTM_NEWLINK, flags: netlink.Create | netlink.Excl}
	other, err := peer.MarshalBinary()
	if err != nil {
		return newError(r.op, 0, err)
	}
	var data encoder // not rtnetlink's driver package: it registers every driver at each start
	data.bytes(_VETH_INFO_PEER, other)
	m := rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{
		Name: v.Name,
		Info: &rtnetlink.LinkInfo{Kind: "veth", Data: &rtnetlink.LinkData{Name: "veth", Data: data.b}},
	}}
	if r.body, err = m.MarshalBinary(); err != nil {
		return newError(r.op, 0, err)
	}
	return c.change(r, nil)
}

// DeleteLink deletes a device, and of a pair both.
func (c *Conn) DeleteLink(ifindex int) error {
	return c.change(request{
		op: "delete link", ifindex: ifindex, typ: unix.RTM_DELLINK,
		body: ifinfomsg(ifindex, 0, 0),
	}, nil)
}

// SetLinkUp sets a device up or down.
func (c *Conn) SetLinkUp(ifindex int, up bool) error {
	flags := uint32(0)
	if up {
		flags = unix.IFF_UP
	}
	return c.change(request{
		op: "set link up", ifindex: ifindex, typ: unix.RTM_NEWLINK,
		body: ifinfomsg(ifindex, flags, unix.IFF_UP),
	}, nil)
}

// SetLinkMTU sets the size in bytes of the largest packet that a device sends.
func (c *Conn) SetLinkMTU(ifindex int, mtu uint32) error {
	return c.setLink("set mtu", ifindex, unix.IFLA_MTU, mtu)
}

// SetLinkNetNS moves a device to the network namespace of an open file
// descriptor.
func (c *Conn) SetLinkNetNS(ifindex, netns int) error {
	return c.setLink("move link", ifindex, unix.IFLA_NET_NS_FD, uint32(netns))
}

func (c *Conn) setLink(op string, ifindex int, typ uint16, v uint32) error {
	e := encoder{b: ifinfomsg(ifindex, 0, 0)}
	e.u32(typ, v)
	return c.change(request{op: op, ifindex: ifindex, typ: unix.RTM_NEWLINK, body: e.b}, nil)
}

// AddAddr gives a device an address and the prefix that is reached through it.
func (c *Conn) AddAddr(ifindex int, p netip.Prefix) error {
	family := byte(unix.AF_INET6)
	if p.Addr().Is4() {
		family = unix.AF_INET
	}
	// struct ifaddrmsg of linux/if_addr.h: family, prefix length, flags, scope, u32 index
	e := encoder{b: []byte{family, byte(p.Bits()), unix.IFA_F_NODAD, unix.RT_SCOPE_UNIVERSE}}
	e.b = binary.NativeEndian.AppendUint32(e.b, uint32(ifindex))
	e.bytes(unix.IFA_LOCAL, p.Addr().AsSlice())
	e.bytes(unix.IFA_ADDRESS, p.Addr().AsSlice())
	return c.change(request{
		op: "add address", ifindex: ifindex, typ: unix.RTM_NEWADDR,
		flags: netlink.Create | netlink.Excl, body: e.b,
	}, nil)
}

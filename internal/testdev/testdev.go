// Package testdev makes and changes devices for tests, the demonstration and
// benchmarks: what xdpload itself never does. It works in the network namespace
// of the calling thread.
package testdev

import (
	"fmt"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h. The package driver of rtnetlink
// has it too, but also changes how all drivers' attributes are decoded.
const vethInfoPeer = 1

// AddVeth creates a pair of devices, both down: what one sends the other receives.
// A name that is taken is [os.ErrExist].
func AddVeth(name, peer string) error {
	other := rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{Name: peer}}
	body, err := other.MarshalBinary()
	if err != nil {
		return fmt.Errorf("add veth %s: %w", name, err)
	}
	attrs := netlink.NewAttributeEncoder()
	attrs.Bytes(vethInfoPeer, body)
	data, err := attrs.Encode()
	if err != nil {
		return fmt.Errorf("add veth %s: %w", name, err)
	}
	return change("add veth "+name, (*rtnetlink.LinkService).New, &rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{
		Name: name,
		Info: &rtnetlink.LinkInfo{Kind: "veth", Data: &rtnetlink.LinkData{Name: "veth", Data: data}},
	}})
}

// SetUp sets a device up.
func SetUp(ifindex int) error {
	return set("up", ifindex, rtnetlink.LinkMessage{Flags: unix.IFF_UP, Change: unix.IFF_UP})
}

// SetMTU sets the size in bytes of the largest packet that a device sends.
func SetMTU(ifindex int, mtu uint32) error {
	return set("mtu", ifindex, rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{MTU: mtu}})
}

// SetNetNS moves a device to the network namespace of an open file descriptor.
func SetNetNS(ifindex, netns int) error {
	return set("netns", ifindex, rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{
		NetNS: rtnetlink.NetNSForFD(uint32(netns)),
	}})
}

func set(what string, ifindex int, m rtnetlink.LinkMessage) error {
	m.Index = uint32(ifindex)
	return change(fmt.Sprintf("set %s of device %d", what, ifindex), (*rtnetlink.LinkService).Set, &m)
}

func change(op string, request func(*rtnetlink.LinkService, *rtnetlink.LinkMessage) error, m *rtnetlink.LinkMessage) error {
	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer c.Close()
	if err := request(c.Link, m); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

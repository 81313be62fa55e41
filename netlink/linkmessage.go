package netlink

import (
	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// linkMessage is rtnetlink's message about a device, or with index 0 about a new
// one or all. Attributes that rtnetlink lacks are appended to it.
func linkMessage(ifindex int, a *rtnetlink.LinkAttributes) encoder {
	m := rtnetlink.LinkMessage{Index: uint32(ifindex), Attributes: a}
	b, err := m.MarshalBinary()
	return encoder{b: b, err: err}
}

// openLinkMessage has rtnetlink decode what a message begins with, and returns a
// decoder of its attributes. Rtnetlink would take three times as long for these,
// lacks half of what a Link has, and gives up a device whose address is one byte
// long or whose counters are more than it knows (docs/performance.md).
func openLinkMessage(b []byte) (m rtnetlink.LinkMessage, attributes decoder, err error) {
	n := min(len(b), unix.SizeofIfInfomsg)
	err = m.UnmarshalBinary(b[:n])
	return m, decoder{rest: b[n:]}, err
}

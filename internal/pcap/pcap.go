// Package pcap reads and writes files of captured packets: classic ones of both
// byte orders and time resolutions, and pcapng ones.
//
// The layouts are those of draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
package pcap

import (
	"fmt"
	"time"
)

// Packet is one captured packet.
type Packet struct {
	Number int // in the file, from 1 on, as tcpdump --number counts
	Time   time.Time
	Length int // of the packet on the wire, in bytes; Data may be less of it
	Link   LinkType
	Data   []byte // from the link layer's header on; only until the next packet is read
}

// Truncated says whether the capture has less than the whole packet.
func (p *Packet) Truncated() bool { return len(p.Data) < p.Length }

// LinkType says with which header packets begin (the LINKTYPE_ values of
// https://www.tcpdump.org/linktypes.html).
type LinkType uint16

// The link types that BPF programs meet.
const (
	Null      LinkType = 0   // a protocol family in host byte order, of BSD loopbacks
	Ethernet  LinkType = 1   // an Ethernet header
	Raw       LinkType = 101 // an IPv4 or IPv6 header
	LinuxSLL  LinkType = 113 // the header that "tcpdump -i any" makes up
	IPv4      LinkType = 228 // an IPv4 header
	IPv6      LinkType = 229 // an IPv6 header
	LinuxSLL2 LinkType = 276 // the newer header of "tcpdump -i any"
)

// linkNames are the names that tcpdump knows the types by.
var linkNames = [...]string{
	Null: "NULL", Ethernet: "EN10MB", Raw: "RAW", LinuxSLL: "LINUX_SLL", IPv4: "IPV4", IPv6: "IPV6", LinuxSLL2: "LINUX_SLL2",
}

// String is the name that tcpdump knows the type by.
func (t LinkType) String() string {
	if int(t) < len(linkNames) && linkNames[t] != "" {
		return linkNames[t]
	}
	return fmt.Sprintf("link type %d", uint16(t))
}

// maxPacket is how many bytes libpcap takes a packet to have at most
// (MAXIMUM_SNAPLEN): a file that says more is damaged.
const maxPacket = 256 << 10

// The first four bytes of a file, as a number in the file's byte order.
const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
	magicNG    = 0x0a0d0d0a // reads the same in both
)

package netlink

import (
	"fmt"
	"iter"
	"net"
	"strings"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// A Link is a network device, as RTM_NEWLINK describes it.
type Link struct {
	Index    int
	Name     string
	AltNames []string // up to 127 bytes each, others by which it is found
	MTU      uint32   // bytes
	Flags    LinkFlags
	State    OperState // RFC 2863
	LinkMode uint8     // IF_LINK_MODE_*: 0 default, 1 dormant
	Type     uint16    // ARPHRD_*: 1 Ethernet, 772 loopback, 65534 none
	Kind     string    // driver family, such as "veth"; empty for hardware
	Group    uint32
	Master   int // index of the bridge, bond or VRF that owns it, 0 if none

	// PeerIndex is the device below (of a VLAN) or opposite (of a veth), 0 if
	// none. It is an index in the namespace PeerNetNSID if that is not nil.
	PeerIndex   int
	PeerNetNSID *int32

	HardwareAddr net.HardwareAddr
	Broadcast    net.HardwareAddr

	Qdisc                              string  // kind of the root qdisc
	TxQueueLen, TxQueues, RxQueues     uint32  // packets, queues, queues
	Promiscuity                        uint32  // how many asked for it
	AllMulti                           *uint32 // the same, nil before Linux 6.0
	MinMTU, MaxMTU                     uint32  // bytes, 0 where there is no bound
	GSOMaxSize, GSOMaxSegs             uint32
	TSOMaxSize, TSOMaxSegs, GROMaxSize uint32 // 0 before Linux 6.0
	GSOIPv4MaxSize, GROIPv4MaxSize     uint32 // 0 before Linux 6.3

	// AddrGen is how an IPv6 address is made of the device's, nil where it has no IPv6.
	AddrGen *AddrGenMode
	// NetNSImmutable is a device that stays in its network namespace, as Linux
	// says since 6.15.
	NetNSImmutable bool

	Stats LinkStats

	XDP LinkXDP

	Netkit *Netkit // of kind "netkit"
	Bond   *Bond   // of kind "bond"
}

// Link finds a device by its name or by one of its alternative names. A name
// that nothing has is [os.ErrNotExist].
func (c *Conn) Link(name string) (*Link, error) {
	if name == "" || strings.ContainsAny(name, "\x00/") {
		return nil, newError(opLink, 0, fmt.Errorf("%q is not a device name", name))
	}
	return get(c, linkByNameRequest(name), (*Link).decode)
}

// LinkByIndex finds a device by its index, a positive number.
func (c *Conn) LinkByIndex(ifindex int) (*Link, error) {
	return get(c, linkByIndexRequest(ifindex), (*Link).decode)
}

// Links lists the devices of the network namespace in the order of their
// index. An error ends the list.
func (c *Conn) Links() iter.Seq2[*Link, error] {
	return sequence(func() ([]*Link, error) { return list(c, linksRequest(), (*Link).decode) })
}

// DeleteLink deletes a device, and of a pair both.
func (c *Conn) DeleteLink(ifindex int) error {
	return c.change(request{op: "delete link", ifindex: ifindex, typ: unix.RTM_DELLINK, encoder: linkMessage(ifindex, nil)})
}

func linkByNameRequest(name string) request {
	r := linkByIndexRequest(0)
	typ := uint16(unix.IFLA_IFNAME) // finds alternative names too
	if len(name) >= unix.IFNAMSIZ {
		typ = unix.IFLA_ALT_IFNAME
	}
	r.string(typ, name)
	return r
}

func linkByIndexRequest(ifindex int) request {
	return request{
		op: opLink, ifindex: ifindex, typ: unix.RTM_GETLINK,
		encoder: linkMessage(ifindex, &rtnetlink.LinkAttributes{ExtMask: new(uint32(_RTEXT_FILTER_SKIP_STATS))}),
	}
}

func linksRequest() request {
	r := linkByIndexRequest(0)
	r.op = opLinks
	return r
}

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

func (l *Link) decode(b []byte) error {
	m, d, err := openLinkMessage(b)
	if err != nil {
		return err
	}
	l.Type, l.Index, l.Flags = m.Type, int(int32(m.Index)), LinkFlags(m.Flags)
	for d.next() {
		l.attribute(&d)
	}
	if d.err != nil {
		return fmt.Errorf("link %d: %w", l.Index, d.err)
	}
	return nil
}

func (l *Link) attribute(d *decoder) {
	switch d.typ {
	case unix.IFLA_IFNAME:
		l.Name = d.string()
	case unix.IFLA_MTU:
		l.MTU = d.u32()
	case unix.IFLA_OPERSTATE:
		l.State = OperState(d.u8())
	case unix.IFLA_LINKMODE:
		l.LinkMode = d.u8()
	case unix.IFLA_GROUP:
		l.Group = d.u32()
	case unix.IFLA_MASTER:
		l.Master = int(d.u32())
	case unix.IFLA_LINK:
		l.PeerIndex = int(d.u32())
	case unix.IFLA_LINK_NETNSID:
		id := int32(d.u32())
		l.PeerNetNSID = &id
	case unix.IFLA_ADDRESS:
		l.HardwareAddr = append(net.HardwareAddr(nil), d.data...)
	case unix.IFLA_BROADCAST:
		l.Broadcast = append(net.HardwareAddr(nil), d.data...)
	case unix.IFLA_QDISC:
		l.Qdisc = d.string()
	case unix.IFLA_PROP_LIST:
		d.nested(l.decodeAltNames)
	case unix.IFLA_LINKINFO:
		d.nested(l.decodeInfo)
	case unix.IFLA_STATS64:
		l.Stats.decode(d.data)
	case unix.IFLA_XDP:
		d.nested(l.XDP.decode)
	case unix.IFLA_AF_SPEC:
		d.nested(l.decodeFamilies)
	case unix.IFLA_ALLMULTI:
		l.AllMulti = new(d.u32())
	case _IFLA_NETNS_IMMUTABLE:
		l.NetNSImmutable = d.u8() != 0
	default:
		if p := l.number(d.typ); p != nil {
			*p = d.u32()
		}
	}
}

// number is the field that a plain u32 attribute fills.
func (l *Link) number(typ uint16) *uint32 {
	switch typ {
	case unix.IFLA_TXQLEN:
		return &l.TxQueueLen
	case unix.IFLA_NUM_TX_QUEUES:
		return &l.TxQueues
	case unix.IFLA_NUM_RX_QUEUES:
		return &l.RxQueues
	case unix.IFLA_PROMISCUITY:
		return &l.Promiscuity
	case unix.IFLA_MIN_MTU:
		return &l.MinMTU
	case unix.IFLA_MAX_MTU:
		return &l.MaxMTU
	case unix.IFLA_GSO_MAX_SIZE:
		return &l.GSOMaxSize
	case unix.IFLA_GSO_MAX_SEGS:
		return &l.GSOMaxSegs
	case unix.IFLA_TSO_MAX_SIZE:
		return &l.TSOMaxSize
	case unix.IFLA_TSO_MAX_SEGS:
		return &l.TSOMaxSegs
	case unix.IFLA_GRO_MAX_SIZE:
		return &l.GROMaxSize
	case unix.IFLA_GSO_IPV4_MAX_SIZE:
		return &l.GSOIPv4MaxSize
	case unix.IFLA_GRO_IPV4_MAX_SIZE:
		return &l.GROIPv4MaxSize
	}
	return nil
}

func (l *Link) decodeAltNames(d *decoder) error {
	for d.next() {
		if d.typ == unix.IFLA_ALT_IFNAME {
			l.AltNames = append(l.AltNames, d.string())
		}
	}
	return nil
}

// decodeFamilies reads what the protocol families say of the device.
func (l *Link) decodeFamilies(d *decoder) error {
	for d.next() {
		if d.typ == unix.AF_INET6 {
			d.nested(l.decodeInet6)
		}
	}
	return nil
}

func (l *Link) decodeInet6(d *decoder) error {
	for d.next() {
		if d.typ == unix.IFLA_INET6_ADDR_GEN_MODE {
			l.AddrGen = new(AddrGenMode(d.u8()))
		}
	}
	return nil
}

func (l *Link) decodeInfo(d *decoder) error {
	var data []byte
	for d.next() {
		switch d.typ {
		case unix.IFLA_INFO_KIND:
			l.Kind = d.string()
		case unix.IFLA_INFO_DATA:
			data = d.data
		}
	}
	switch l.Kind {
	case "netkit":
		l.Netkit = new(Netkit)
		return l.Netkit.decode(newDecoder(data))
	case "bond":
		l.Bond = new(Bond)
		return l.Bond.decode(newDecoder(data))
	}
	return nil
}

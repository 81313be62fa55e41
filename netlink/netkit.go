package netlink

import (
	"cmp"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A NetkitMode is what the packets of a netkit device begin with.
type NetkitMode uint32

// The modes.
const (
	NetkitL2 NetkitMode = unix.NETKIT_L2 // an Ethernet header
	NetkitL3 NetkitMode = unix.NETKIT_L3 // an IP header; the kernel's default
)

var netkitModes = []name[NetkitMode]{{NetkitL2, "l2"}, {NetkitL3, "l3"}}

// A NetkitPolicy is what happens to packets that no program decides about.
type NetkitPolicy uint32

// The policies.
const (
	NetkitForward   NetkitPolicy = unix.NETKIT_PASS // the kernel's default
	NetkitBlackhole NetkitPolicy = unix.NETKIT_DROP
)

var netkitPolicies = []name[NetkitPolicy]{{NetkitForward, "forward"}, {NetkitBlackhole, "blackhole"}}

// A NetkitScrub is what is cleared of a packet that leaves its network
// namespace (Linux 6.13).
type NetkitScrub uint32

// What to clear.
const (
	NetkitScrubNone    NetkitScrub = _NETKIT_SCRUB_NONE
	NetkitScrubDefault NetkitScrub = _NETKIT_SCRUB_DEFAULT // mark and priority
)

var netkitScrubs = []name[NetkitScrub]{{NetkitScrubNone, "none"}, {NetkitScrubDefault, "default"}}

// String is ip(8)'s word for the mode.
func (m NetkitMode) String() string { return nameOf(netkitModes, m) }

// MarshalText is [NetkitMode.String].
func (m NetkitMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what String writes.
func (m *NetkitMode) UnmarshalText(text []byte) error {
	return parse(m, netkitModes, "netkit mode", text)
}

// String is ip(8)'s word for the policy.
func (p NetkitPolicy) String() string { return nameOf(netkitPolicies, p) }

// MarshalText is [NetkitPolicy.String].
func (p NetkitPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what String writes.
func (p *NetkitPolicy) UnmarshalText(text []byte) error {
	return parse(p, netkitPolicies, "netkit policy", text)
}

// String is ip(8)'s word for what is cleared.
func (s NetkitScrub) String() string { return nameOf(netkitScrubs, s) }

// MarshalText is [NetkitScrub.String].
func (s NetkitScrub) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String writes.
func (s *NetkitScrub) UnmarshalText(text []byte) error {
	return parse(s, netkitScrubs, "netkit scrub", text)
}

// Netkit is what sets a device of kind netkit apart (drivers/net/netkit.c,
// Linux 6.7). In a request nil and 0 leave the kernel's default or what is set.
type Netkit struct {
	Mode               *NetkitMode
	Policy, PeerPolicy *NetkitPolicy
	Scrub, PeerScrub   *NetkitScrub
	Headroom, Tailroom uint16 // bytes before and after a packet (Linux 6.14)
	Single             bool   // one device without a peer

	// Primary, in a reply, is the device of a pair that the other's programs
	// are attached through too.
	Primary bool
}

// A NetkitPair is a pair of netkit devices to create, or with Single one.
type NetkitPair struct {
	// Name and Peer are the names. The kernel finds one where it is empty.
	Name, Peer string
	// PeerNetNS is an open file descriptor of the network namespace to put the
	// peer in, 0 for that of the Conn.
	PeerNetNS int
	Netkit
}

// AddNetkit creates a pair, both down. EOPNOTSUPP ("Unknown device type.") is a
// kernel without netkit, or a Single with something of a peer.
func (c *Conn) AddNetkit(n NetkitPair) error {
	r := request{
		op: "add netkit", typ: unix.RTM_NEWLINK, flags: netlink.Create | netlink.Excl,
		encoder: linkMessage(0, &rtnetlink.LinkAttributes{Name: n.Name}),
	}
	n.encode(&r.encoder)
	return c.change(r)
}

// SetNetkit changes the policies of the pair of a primary device, the only
// things that the kernel changes.
func (c *Conn) SetNetkit(ifindex int, n Netkit) error {
	r := request{op: "set netkit", ifindex: ifindex, typ: unix.RTM_NEWLINK, encoder: linkMessage(ifindex, nil)}
	pair := NetkitPair{Netkit: n}
	pair.encode(&r.encoder)
	return c.change(r)
}

// encode appends IFLA_LINKINFO. Rtnetlink's package driver lacks half of the
// attributes, and changes how links of every kind are decoded.
func (n *NetkitPair) encode(e *encoder) {
	e.nest(unix.IFLA_LINKINFO, func() {
		e.string(unix.IFLA_INFO_KIND, "netkit")
		e.nest(unix.IFLA_INFO_DATA|attrNested, func() { n.encodeData(e) })
	})
}

func (n *NetkitPair) encodeData(e *encoder) {
	optional(e, unix.IFLA_NETKIT_MODE, n.Mode)
	optional(e, unix.IFLA_NETKIT_POLICY, n.Policy)
	optional(e, unix.IFLA_NETKIT_PEER_POLICY, n.PeerPolicy)
	optional(e, _IFLA_NETKIT_SCRUB, n.Scrub)
	optional(e, _IFLA_NETKIT_PEER_SCRUB, n.PeerScrub)
	if n.Headroom != 0 {
		e.u16(_IFLA_NETKIT_HEADROOM, n.Headroom)
	}
	if n.Tailroom != 0 {
		e.u16(_IFLA_NETKIT_TAILROOM, n.Tailroom)
	}
	if n.Single {
		e.u32(_IFLA_NETKIT_PAIRING, _NETKIT_DEVICE_SINGLE)
	}
	if n.Peer == "" && n.PeerNetNS <= 0 {
		return
	}
	peer := rtnetlink.LinkAttributes{Name: n.Peer}
	if n.PeerNetNS > 0 {
		peer.NetNS = rtnetlink.NetNSForFD(uint32(n.PeerNetNS))
	}
	m := linkMessage(0, &peer)
	e.bytes(unix.IFLA_NETKIT_PEER_INFO, m.b)
	e.err = cmp.Or(e.err, m.err)
}

func optional[T ~uint32](e *encoder, typ uint16, v *T) {
	if v != nil {
		e.u32(typ, uint32(*v))
	}
}

func (n *Netkit) decode(d *decoder) error {
	for d.next() {
		switch d.typ {
		case unix.IFLA_NETKIT_PRIMARY:
			n.Primary = d.u8() != 0
		case unix.IFLA_NETKIT_MODE:
			n.Mode = new(NetkitMode(d.u32()))
		case unix.IFLA_NETKIT_POLICY:
			n.Policy = new(NetkitPolicy(d.u32()))
		case unix.IFLA_NETKIT_PEER_POLICY:
			n.PeerPolicy = new(NetkitPolicy(d.u32()))
		case _IFLA_NETKIT_SCRUB:
			n.Scrub = new(NetkitScrub(d.u32()))
		case _IFLA_NETKIT_PEER_SCRUB:
			n.PeerScrub = new(NetkitScrub(d.u32()))
		case _IFLA_NETKIT_HEADROOM:
			n.Headroom = d.u16()
		case _IFLA_NETKIT_TAILROOM:
			n.Tailroom = d.u16()
		case _IFLA_NETKIT_PAIRING:
			n.Single = d.u32() == _NETKIT_DEVICE_SINGLE
		}
	}
	return d.err
}

package netlink

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
)

// Features are what a device's driver can do for XDP, from the netdev generic
// netlink family (Linux 6.3; Documentation/netlink/specs/netdev.yaml).
type Features struct {
	XDP XDPFeatures
	// ZeroCopySegments is how many descriptors an AF_XDP packet may have in
	// zero-copy mode; 1 where packets of several are not supported.
	ZeroCopySegments uint32
	RxMetadata       RxMetadata
	XSK              XSKFeatures
}

// XDPFeatures is a set of enum netdev_xdp_act.
type XDPFeatures uint64

// The XDP features.
const (
	FeatureBasic         XDPFeatures = 1 << 0 // native mode: aborted, drop, pass, tx
	FeatureRedirect      XDPFeatures = 1 << 1
	FeatureXmit          XDPFeatures = 1 << 2 // may be the target of a redirect
	FeatureZeroCopy      XDPFeatures = 1 << 3 // AF_XDP without copying
	FeatureOffload       XDPFeatures = 1 << 4
	FeatureFragments     XDPFeatures = 1 << 5 // packets of several buffers
	FeatureXmitFragments XDPFeatures = 1 << 6
)

var xdpFeatures = []name[XDPFeatures]{
	{FeatureBasic, "basic"},
	{FeatureRedirect, "redirect"},
	{FeatureXmit, "ndo-xmit"},
	{FeatureZeroCopy, "xsk-zerocopy"},
	{FeatureOffload, "hw-offload"},
	{FeatureFragments, "rx-sg"},
	{FeatureXmitFragments, "ndo-xmit-sg"},
}

// RxMetadata is a set of enum netdev_xdp_rx_metadata: the hints about a packet
// that a program can ask the driver for.
type RxMetadata uint64

// The metadata.
const (
	RxTimestamp RxMetadata = 1 << 0
	RxHash      RxMetadata = 1 << 1
	RxVLANTag   RxMetadata = 1 << 2
)

var rxMetadata = []name[RxMetadata]{
	{RxTimestamp, "timestamp"},
	{RxHash, "hash"},
	{RxVLANTag, "vlan-tag"},
}

// XSKFeatures is a set of enum netdev_xsk_flags: what an AF_XDP socket can ask
// for when it sends.
type XSKFeatures uint64

// The AF_XDP features.
const (
	XSKTxTimestamp  XSKFeatures = 1 << 0
	XSKTxChecksum   XSKFeatures = 1 << 1
	XSKTxLaunchTime XSKFeatures = 1 << 2
)

var xskFeatures = []name[XSKFeatures]{
	{XSKTxTimestamp, "tx-timestamp"},
	{XSKTxChecksum, "tx-checksum"},
	{XSKTxLaunchTime, "tx-launch-time-fifo"},
}

// Names are the kernel's names of the features, unknown ones together as one
// hexadecimal number.
func (f XDPFeatures) Names() []string { return namesOf(xdpFeatures, f) }

// Names are the kernel's names of the hints, as [XDPFeatures.Names].
func (m RxMetadata) Names() []string { return namesOf(rxMetadata, m) }

// Names are the kernel's names of the features, as [XDPFeatures.Names].
func (f XSKFeatures) Names() []string { return namesOf(xskFeatures, f) }

// String is the names, separated by commas.
func (f XDPFeatures) String() string { return strings.Join(f.Names(), ",") }

// String is the names, separated by commas.
func (m RxMetadata) String() string { return strings.Join(m.Names(), ",") }

// String is the names, separated by commas.
func (f XSKFeatures) String() string { return strings.Join(f.Names(), ",") }

const opFeatures = "query features"

// Features asks what a device can do for XDP, on a socket that is opened for
// it. A kernel older than 6.3 is [errors.ErrUnsupported].
func (c *Conn) Features(ifindex int) (*Features, error) {
	g, err := genetlink.Dial(&netlink.Config{NetNS: c.config.NetNS, Strict: true, MessageBufferSize: receiveBuffer})
	if err != nil {
		return nil, newError(opFeatures, ifindex, err)
	}
	defer g.Close()
	f, err := features(g, ifindex)
	return f, newError(opFeatures, ifindex, err)
}

func features(g *genetlink.Conn, ifindex int) (*Features, error) {
	family, err := g.GetFamily("netdev")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the kernel has no netdev family, which came with Linux 6.3: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return nil, err
	}
	var e encoder
	e.u32(_NETDEV_A_DEV_IFINDEX, uint32(ifindex))
	replies, err := g.Execute(genetlink.Message{
		Header: genetlink.Header{Command: _NETDEV_CMD_DEV_GET, Version: family.Version},
		Data:   e.b,
	}, family.ID, netlink.Request)
	if err != nil {
		return nil, err
	}
	if len(replies) != 1 {
		return nil, fmt.Errorf("the kernel sent %d replies", len(replies))
	}
	f := new(Features)
	return f, f.decode(newDecoder(replies[0].Data))
}

func (f *Features) decode(d *decoder) error {
	for d.next() {
		switch d.typ {
		case _NETDEV_A_DEV_XDP_FEATURES:
			f.XDP = XDPFeatures(d.u64())
		case _NETDEV_A_DEV_XDP_ZC_MAX_SEGS:
			f.ZeroCopySegments = d.u32()
		case _NETDEV_A_DEV_XDP_RX_METADATA_FEATURES:
			f.RxMetadata = RxMetadata(d.u64())
		case _NETDEV_A_DEV_XSK_FEATURES:
			f.XSK = XSKFeatures(d.u64())
		}
	}
	return d.err
}

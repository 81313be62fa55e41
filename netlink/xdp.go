package netlink

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// An XDPMode is a place where a device runs an XDP program. The values are
// those of IFLA_XDP_ATTACHED in linux/if_link.h, and of iproute2's JSON.
type XDPMode uint32

// The modes.
const (
	// XDPAny leaves the choice to the kernel: native if the driver can,
	// otherwise generic. In a reply it means that nothing is attached.
	XDPAny XDPMode = 0
	// XDPNative runs in the driver, before the kernel allocates a packet.
	XDPNative XDPMode = _XDP_ATTACHED_DRV
	// XDPGeneric runs in the network stack, on any device.
	XDPGeneric XDPMode = _XDP_ATTACHED_SKB
	// XDPOffload runs on the device itself.
	XDPOffload XDPMode = _XDP_ATTACHED_HW
	// XDPMulti is a reply only: programs are attached in several modes.
	XDPMulti XDPMode = _XDP_ATTACHED_MULTI
)

var xdpModes = []name[XDPMode]{
	{XDPAny, "any"},
	{XDPNative, "native"},
	{XDPGeneric, "generic"},
	{XDPOffload, "offload"},
	{XDPMulti, "multi"},
}

// xdpKeywords are iproute2's words for the modes.
var xdpKeywords = []name[XDPMode]{
	{XDPAny, "xdp"},
	{XDPNative, "xdpdrv"},
	{XDPGeneric, "xdpgeneric"},
	{XDPOffload, "xdpoffload"},
	{XDPMulti, "xdpmulti"},
}

// String is "any", "native", "generic", "offload" or "multi"; a number for a
// mode of a newer kernel.
func (m XDPMode) String() string { return nameOf(xdpModes, m) }

// Keyword is the word of the command line for m: "xdp", "xdpdrv", "xdpgeneric"
// or "xdpoffload"; "xdpmulti" and "xdp[N]" are printed, never read.
func (m XDPMode) Keyword() string {
	if text, ok := find(xdpKeywords, m); ok {
		return text
	}
	return fmt.Sprintf("xdp[%d]", uint32(m))
}

// MarshalText is [XDPMode.String].
func (m XDPMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what String and Keyword write.
func (m *XDPMode) UnmarshalText(text []byte) error {
	for _, x := range xdpKeywords {
		if string(text) == x.text {
			*m = x.value
			return nil
		}
	}
	return parse(m, xdpModes, "XDP mode", text)
}

// flags are the XDP_FLAGS_* bits that ask for m.
func (m XDPMode) flags() (uint32, error) {
	switch m {
	case XDPAny:
		return 0, nil
	case XDPNative:
		return unix.XDP_FLAGS_DRV_MODE, nil
	case XDPGeneric:
		return unix.XDP_FLAGS_SKB_MODE, nil
	case XDPOffload:
		return unix.XDP_FLAGS_HW_MODE, nil
	default:
		return 0, fmt.Errorf("a program cannot be attached in XDP mode %s, only in any, native, generic or offload", m)
	}
}

// XDP says what [Conn.SetXDP] does with a device's hook.
type XDP struct {
	// FD is the program's file descriptor, -1 to detach. It stays the
	// caller's: the device holds the program by itself.
	FD int
	// Mode is the hook. To detach, it must be the mode of the program that is
	// attached: XDPAny detaches from native only, if the driver can native.
	Mode XDPMode
	// ExpectedFD, if not nil, makes it a compare-and-swap: the program now
	// attached must be this one, -1 for none (Linux 5.7).
	ExpectedFD *int
	// NoReplace refuses to replace a program: [os.ErrExist].
	NoReplace bool
}

// SetXDP attaches, replaces or detaches the XDP program of a device. A
// replacement leaves no moment without a program. Detaching where nothing is
// attached is not an error.
//
// The *[Error] is [os.ErrExist] when NoReplace or ExpectedFD refuse, when the
// other of native and generic is attached, and when a bpf_link holds the hook;
// [errors.ErrUnsupported] when driver or device lack the mode. The kernel gives
// no sentence (bare EINVAL) for a program of another type and for offload on a
// driver without it.
func (c *Conn) SetXDP(ifindex int, x XDP) error {
	return c.change(xdpRequest(ifindex, x))
}

// xdpRequest is what iproute2 sends: RTM_NEWLINK with IFLA_XDP{FD, FLAGS}. Rtnetlink
// would always send EXPECTED_FD too.
func xdpRequest(ifindex int, x XDP) request {
	r := request{op: opAttachXDP, ifindex: ifindex, typ: unix.RTM_NEWLINK, encoder: linkMessage(ifindex, nil)}
	if x.FD < 0 {
		r.op = opDetachXDP
	}
	flags, err := x.Mode.flags()
	if err != nil {
		r.err = err
		return r
	}
	if x.NoReplace {
		flags |= unix.XDP_FLAGS_UPDATE_IF_NOEXIST
	}
	if x.ExpectedFD != nil {
		flags |= unix.XDP_FLAGS_REPLACE
	}
	r.nest(unix.IFLA_XDP, func() {
		r.u32(unix.IFLA_XDP_FD, uint32(x.FD))
		if flags != 0 {
			r.u32(unix.IFLA_XDP_FLAGS, flags)
		}
		if x.ExpectedFD != nil {
			r.u32(unix.IFLA_XDP_EXPECTED_FD, uint32(*x.ExpectedFD))
		}
	})
	return r
}

// LinkXDPs returns what every device of the network namespace runs, by index: of
// [Conn.Links] the field XDP alone, which takes a third of the time to decode.
func (c *Conn) LinkXDPs() (map[int]LinkXDP, error) {
	all := make(map[int]LinkXDP)
	err := c.dump(linksRequest(), func() { clear(all) }, func(b []byte) error {
		index, x, err := decodeLinkXDP(b)
		all[index] = x
		return err
	})
	return all, err
}

// decodeLinkXDP reads the one attribute of RTM_NEWLINK.
func decodeLinkXDP(b []byte) (ifindex int, x LinkXDP, err error) {
	m, d, err := openLinkMessage(b)
	if err != nil {
		return 0, x, err
	}
	ifindex = int(int32(m.Index))
	for d.next() {
		if d.typ == unix.IFLA_XDP {
			d.nested(x.decode)
		}
	}
	if d.err != nil {
		return ifindex, x, fmt.Errorf("link %d: %w", ifindex, d.err)
	}
	return ifindex, x, nil
}

// LinkXDP is the XDP state of a device.
type LinkXDP struct {
	// Mode is the one mode in use, XDPMulti if there are several, XDPAny if
	// there is none.
	Mode XDPMode
	// Programs are the attached programs, in the order in which a packet
	// meets them: offload, native, generic.
	Programs []XDPProgram
}

// An XDPProgram is a program attached to a device.
type XDPProgram struct {
	Mode XDPMode
	// ID is the kernel's program id.
	ID uint32
}

// Attached reports whether any program is attached.
func (x LinkXDP) Attached() bool { return len(x.Programs) > 0 }

func (x *LinkXDP) decode(d *decoder) error {
	var id, drv, skb, hw uint32
	for d.next() {
		switch d.typ {
		case unix.IFLA_XDP_ATTACHED:
			x.Mode = XDPMode(d.u8())
		case unix.IFLA_XDP_PROG_ID:
			id = d.u32()
		case unix.IFLA_XDP_DRV_PROG_ID:
			drv = d.u32()
		case unix.IFLA_XDP_SKB_PROG_ID:
			skb = d.u32()
		case unix.IFLA_XDP_HW_PROG_ID:
			hw = d.u32()
		}
	}
	for _, p := range [...]XDPProgram{{XDPOffload, hw}, {XDPNative, drv}, {XDPGeneric, skb}} {
		if p.ID != 0 {
			x.Programs = append(x.Programs, p)
		}
	}
	if len(x.Programs) == 0 && id != 0 { // a kernel or a mode without per-mode ids
		x.Programs = []XDPProgram{{x.Mode, id}}
	}
	return d.err
}

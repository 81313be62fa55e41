package netlink

import "golang.org/x/sys/unix"

// LinkFlags are a device's IFF_* bits of linux/if.h.
type LinkFlags uint32

// linkFlags in the order in which ip(8) prints them.
var linkFlags = []name[LinkFlags]{
	{unix.IFF_LOOPBACK, "LOOPBACK"},
	{unix.IFF_BROADCAST, "BROADCAST"},
	{unix.IFF_POINTOPOINT, "POINTOPOINT"},
	{unix.IFF_MULTICAST, "MULTICAST"},
	{unix.IFF_NOARP, "NOARP"},
	{unix.IFF_ALLMULTI, "ALLMULTI"},
	{unix.IFF_PROMISC, "PROMISC"},
	{unix.IFF_MASTER, "MASTER"},
	{unix.IFF_SLAVE, "SLAVE"},
	{unix.IFF_DEBUG, "DEBUG"},
	{unix.IFF_DYNAMIC, "DYNAMIC"},
	{unix.IFF_AUTOMEDIA, "AUTOMEDIA"},
	{unix.IFF_PORTSEL, "PORTSEL"},
	{unix.IFF_NOTRAILERS, "NOTRAILERS"},
	{unix.IFF_UP, "UP"},
	{unix.IFF_LOWER_UP, "LOWER_UP"},
	{unix.IFF_DORMANT, "DORMANT"},
	{unix.IFF_ECHO, "ECHO"},
}

// Up reports whether the administrator has set the device up.
func (f LinkFlags) Up() bool { return f&unix.IFF_UP != 0 }

// Running reports whether the device is up and has a carrier.
func (f LinkFlags) Running() bool { return f&unix.IFF_RUNNING != 0 }

// Names are the names of the bits as ip(8) prints them: NO-CARRIER for a
// device that is up but not running, never RUNNING, and unknown bits together
// as one hexadecimal number.
func (f LinkFlags) Names() []string {
	names := namesOf(linkFlags, f&^unix.IFF_RUNNING)
	if f.Up() && !f.Running() {
		return append([]string{"NO-CARRIER"}, names...)
	}
	return names
}

// An OperState is the operational state of a device, RFC 2863; the values are
// those of linux/if.h.
type OperState uint8

// The operational states.
const (
	StateUnknown        OperState = 0 // the driver does not say
	StateNotPresent     OperState = 1
	StateDown           OperState = 2
	StateLowerLayerDown OperState = 3
	StateTesting        OperState = 4
	StateDormant        OperState = 5
	StateUp             OperState = 6
)

var operStates = []name[OperState]{
	{StateUnknown, "UNKNOWN"},
	{StateNotPresent, "NOTPRESENT"},
	{StateDown, "DOWN"},
	{StateLowerLayerDown, "LOWERLAYERDOWN"},
	{StateTesting, "TESTING"},
	{StateDormant, "DORMANT"},
	{StateUp, "UP"},
}

// String is the state in capitals, as ip(8) prints it.
func (s OperState) String() string { return nameOf(operStates, s) }

// MarshalText is [OperState.String].
func (s OperState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *OperState) UnmarshalText(text []byte) error {
	return parse(s, operStates, "operational state", text)
}

// An AddrGenMode is how a device makes an IPv6 address of its own, IN6_ADDR_GEN_MODE_*
// of linux/if_link.h.
type AddrGenMode uint8

// The ways.
const (
	AddrGenEUI64        AddrGenMode = 0 // of the hardware address
	AddrGenNone         AddrGenMode = 1
	AddrGenStableSecret AddrGenMode = 2 // of a secret, RFC 7217
	AddrGenRandom       AddrGenMode = 3
)

var addrGenModes = []name[AddrGenMode]{
	{AddrGenEUI64, "eui64"},
	{AddrGenNone, "none"},
	{AddrGenStableSecret, "stable_secret"},
	{AddrGenRandom, "random"},
}

// String is ip(8)'s word.
func (m AddrGenMode) String() string { return nameOf(addrGenModes, m) }

// MarshalText is [AddrGenMode.String].
func (m AddrGenMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *AddrGenMode) UnmarshalText(text []byte) error {
	return parse(m, addrGenModes, "address generation mode", text)
}

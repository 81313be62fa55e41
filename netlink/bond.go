package netlink

import "golang.org/x/sys/unix"

// A BondMode is how a bond chooses among its slaves (include/uapi/linux/if_bonding.h).
type BondMode uint8

// The modes.
const (
	BondRoundRobin   BondMode = 0
	BondActiveBackup BondMode = 1
	BondXOR          BondMode = 2
	BondBroadcast    BondMode = 3
	Bond8023AD       BondMode = 4
	BondTLB          BondMode = 5
	BondALB          BondMode = 6
)

var bondModes = []name[BondMode]{
	{BondRoundRobin, "balance-rr"},
	{BondActiveBackup, "active-backup"},
	{BondXOR, "balance-xor"},
	{BondBroadcast, "broadcast"},
	{Bond8023AD, "802.3ad"},
	{BondTLB, "balance-tlb"},
	{BondALB, "balance-alb"},
}

// String is the name that ip-link(8) has for the mode.
func (m BondMode) String() string { return nameOf(bondModes, m) }

// A Bond is what sets a device of kind bond apart.
type Bond struct {
	Mode BondMode
	// VLANSourceMAC is the transmit hash policy vlan+srcmac.
	VLANSourceMAC bool
}

// vlanSourceMAC is BOND_XMIT_POLICY_VLAN_SRCMAC.
const vlanSourceMAC = 5

func (b *Bond) decode(d *decoder) error {
	for d.next() {
		switch d.typ {
		case unix.IFLA_BOND_MODE:
			b.Mode = BondMode(d.u8())
		case unix.IFLA_BOND_XMIT_HASH_POLICY:
			b.VLANSourceMAC = d.u8() == vlanSourceMAC
		}
	}
	return d.err
}

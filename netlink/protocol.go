package netlink

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Protocol is an Ethernet protocol type (ETH_P_*, linux/if_ether.h) in host
// byte order.
type Protocol uint16

// ProtocolAll matches packets of every protocol.
const ProtocolAll Protocol = unix.ETH_P_ALL

// protocols under the names that tc(8) prints; a protocol's later names are
// only read.
var protocols = []name[Protocol]{
	{unix.ETH_P_LOOP, "loop"},
	{unix.ETH_P_PUP, "pup"},
	{unix.ETH_P_PUPAT, "pupat"},
	{unix.ETH_P_IP, "ip"},
	{unix.ETH_P_X25, "x25"},
	{unix.ETH_P_ARP, "arp"},
	{unix.ETH_P_BPQ, "bpq"},
	{unix.ETH_P_IEEEPUP, "ieeepup"},
	{unix.ETH_P_IEEEPUPAT, "ieeepupat"},
	{unix.ETH_P_DEC, "dec"},
	{unix.ETH_P_DNA_DL, "dna_dl"},
	{unix.ETH_P_DNA_RC, "dna_rc"},
	{unix.ETH_P_DNA_RT, "dna_rt"},
	{unix.ETH_P_LAT, "lat"},
	{unix.ETH_P_DIAG, "diag"},
	{unix.ETH_P_CUST, "cust"},
	{unix.ETH_P_SCA, "sca"},
	{unix.ETH_P_RARP, "rarp"},
	{unix.ETH_P_ATALK, "atalk"},
	{unix.ETH_P_AARP, "aarp"},
	{unix.ETH_P_IPX, "ipx"},
	{unix.ETH_P_IPV6, "ipv6"},
	{unix.ETH_P_PPP_DISC, "ppp_disc"},
	{unix.ETH_P_PPP_SES, "ppp_ses"},
	{unix.ETH_P_ATMMPOA, "atmmpoa"},
	{unix.ETH_P_ATMFATE, "atmfate"},
	{unix.ETH_P_802_3, "802_3"},
	{unix.ETH_P_AX25, "ax25"},
	{unix.ETH_P_ALL, "all"},
	{unix.ETH_P_802_2, "802_2"},
	{unix.ETH_P_SNAP, "snap"},
	{unix.ETH_P_DDCMP, "ddcmp"},
	{unix.ETH_P_WAN_PPP, "wan_ppp"},
	{unix.ETH_P_PPP_MP, "ppp_mp"},
	{unix.ETH_P_LOCALTALK, "localtalk"},
	{unix.ETH_P_CAN, "can"},
	{unix.ETH_P_PPPTALK, "ppptalk"},
	{unix.ETH_P_TR_802_2, "tr_802_2"},
	{unix.ETH_P_MOBITEX, "mobitex"},
	{unix.ETH_P_CONTROL, "control"},
	{unix.ETH_P_IRDA, "irda"},
	{unix.ETH_P_ECONET, "econet"},
	{unix.ETH_P_TIPC, "tipc"},
	{unix.ETH_P_PROFINET, "profinet"},
	{unix.ETH_P_AOE, "aoe"},
	{unix.ETH_P_ETHERCAT, "ethercat"},
	{unix.ETH_P_8021Q, "802.1Q"},
	{unix.ETH_P_8021AD, "802.1ad"},
	{unix.ETH_P_MPLS_UC, "mpls_uc"},
	{unix.ETH_P_MPLS_MC, "mpls_mc"},
	{unix.ETH_P_TEB, "teb"},
	{unix.ETH_P_CFM, "cfm"},
	{unix.ETH_P_LLDP, "LLDP"},
	{unix.ETH_P_IP, "ipv4"},
}

// String is tc's name for the protocol, or its number as "[4660]".
func (p Protocol) String() string {
	if text, ok := find(protocols, p); ok {
		return text
	}
	return "[" + strconv.Itoa(int(p)) + "]"
}

// MarshalText is [Protocol.String].
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a name in any case, or a number of any base that Go
// writes, in brackets or not.
func (p *Protocol) UnmarshalText(text []byte) error {
	s := string(text)
	for _, n := range protocols {
		if strings.EqualFold(n.text, s) {
			*p = n.value
			return nil
		}
	}
	digits := s
	if t, ok := strings.CutPrefix(s, "["); ok {
		digits = strings.TrimSuffix(t, "]")
	}
	v, err := strconv.ParseUint(digits, 0, 16)
	if err != nil {
		return fmt.Errorf("unknown protocol %q, expected a name such as all, ip, ipv6, arp, 802.1Q, or a number up to 65535", s)
	}
	*p = Protocol(v)
	return nil
}

package subject

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// driver knows what drivers refuse.
func (s *Site) driver(p *Prospect) error {
	d := s.Device
	known := d.Known()
	if known != nil && known.MTU != 0 && !known.OfPeer {
		s.size(p, known, d.Link, s.Env.Here)
	}
	s.receive(p, known)
	switch d.Driver {
	case driverVeth:
		return s.veth(p, known)
	case "virtio_net":
		s.virtio(p)
		return nil
	case driverBond:
		return s.bond(p)
	case "tun", "vmxnet3", "netdevsim":
		return nil
	case "bnxt_en", "ena":
		s.queues(p)
	}
	p.unknown("what else the driver %s wants, of the MTU and of queues: attaching tells", render.Line(d.Driver))
	return nil
}

// size compares a device's MTU. There is where the command works that lowers it.
func (s *Site) size(p *Prospect, known *offload.Driver, l *netlink.Link, there func(string) string) {
	fix := there(render.Shell("ip", "link", "set", "dev", l.Name, "mtu", fmt.Sprint(known.MTU)))
	switch {
	case l.MTU <= known.MTU || s.Frags && !known.Fragments:
	case known.Fragments:
		p.problem(fix, "the MTU of %s, %d, is too large for XDP", l.Name, l.MTU)
	default:
		p.problem(fix, "the MTU of %s, %d, is too large for a program that takes packets of one buffer only; one in SEC(\"xdp.frags\") takes more", l.Name, l.MTU)
	}
}

// receive: some drivers refuse programs on a device that joins packets.
func (s *Site) receive(p *Prospect, known *offload.Driver) {
	if !s.Device.LRO {
		return
	}
	fix := s.Env.Here(render.Shell("ethtool", "-K", s.Device.Link.Name, "lro", "off"))
	switch {
	case known == nil || known.LRO == offload.LROUnknown:
		p.unknown("whether the driver takes programs while large receive offload is on, which this turns off: %s", fix)
	case known.LRO == offload.LRORefused:
		p.problem(fix, "large receive offload is on")
	}
}

// veth compares with the device at the other end (drivers/net/veth.c, veth_xdp_set).
func (s *Site) veth(p *Prospect, known *offload.Driver) error {
	peer, there, err := s.peer()
	if err != nil {
		return err
	}
	if peer == nil {
		p.unknown("MTU and transmit queues of the other end, which is in a network namespace that cannot be entered")
		return nil
	}
	s.size(p, known, peer.Link, there)
	s.pair(p, peer, there)
	return nil
}

// pair compares the queues of the two ends. Before Linux 5.13 the driver tells of
// them in no other way than when they are made, and they stay as they are.
func (s *Site) pair(p *Prospect, peer *offload.Device, there func(string) string) {
	own, far := s.Device.Link, peer.Link
	rx, tx := own.RxQueues, far.TxQueues
	fix := s.Env.Here(render.Shell("ip", "link", "delete", "dev", own.Name)) + " && " + s.Env.Here(render.Shell(
		"ip", "link", "add", "name", own.Name, "numrxqueues", fmt.Sprint(tx), "type", "veth", "peer", "name", far.Name, "numtxqueues", fmt.Sprint(tx)))
	if q, other := s.Device.Queues, peer.Queues; q != nil && other != nil {
		rx, tx = q.Rx, other.Tx
		fix = there(render.Shell("ethtool", "-L", far.Name, "tx", fmt.Sprint(rx)))
	}
	if rx < tx {
		p.problem(fix, "it has fewer receive queues (%d) than %s has transmit queues (%d)", rx, far.Name, tx)
	}
}

// peer is the device at the other end, nil where that cannot be looked at, and has
// commands work there.
func (s *Site) peer() (peer *offload.Device, there func(string) string, err error) {
	conn, err := s.Env.Netlink()
	if err != nil {
		return nil, nil, err
	}
	l := s.Device.Link
	if l.PeerNetNSID == nil {
		peer, err = offload.Probe(conn, l.PeerIndex)
		return peer, s.Env.Here, err
	}
	for _, ns := range netns.All() {
		if id, err := idOf(conn, ns); err != nil || id != *l.PeerNetNSID {
			continue // gone, or another
		}
		err = netns.Do(ns.Path, func() error {
			far, err := netlink.Dial(nil)
			if err != nil {
				return err
			}
			defer far.Close()
			peer, err = offload.Probe(far, l.PeerIndex)
			return err
		})
		if errors.Is(err, os.ErrPermission) {
			return nil, nil, nil // to enter it takes CAP_SYS_ADMIN
		}
		name := ns.Name
		if name == "" {
			name = ns.Path
		}
		return peer, func(command string) string { return env.InNetNS(name, command) }, err
	}
	return nil, nil, nil
}

// virtio: drivers/net/virtio_net.c, virtnet_xdp_set.
func (s *Site) virtio(p *Prospect) {
	f, known := s.Device.Virtio()
	generic := func(why string) { p.problem(s.Again(netlink.XDPGeneric), "%s", why) }
	switch {
	case !known && s.Device.GROFixed, known && f&offload.VirtioGuestOffloads != 0 && f&offload.VirtioCtrlOffloads == 0:
		generic("the host joins packets or leaves out check sums (GRO_HW, CSUM), and does not let it be turned off")
	case known && f&offload.VirtioMergeable != 0 && f&offload.VirtioAnyLayout == 0:
		generic("the host puts a packet's header and its data into different buffers (no any_layout)")
	case !known:
		p.unknown("what the host does for the device, which only /sys of its own network namespace tells")
	}
	if q := s.Device.Queues; q != nil && int(q.Combined)+runtime.NumCPU() > int(q.MaxCombined) {
		p.Notes = append(p.Notes, fmt.Sprintf("with a queue for each processor it would take %d, and has %d: what programs send is slower", int(q.Combined)+runtime.NumCPU(), q.MaxCombined))
	}
}

// bond hands the program to its slaves (drivers/net/bonding/bond_main.c, bond_xdp_set).
func (s *Site) bond(p *Prospect) error {
	switch b := s.Device.Link.Bond; {
	case b == nil:
		p.unknown("the mode of the bond")
	case b.Mode != netlink.BondRoundRobin && b.Mode != netlink.BondActiveBackup && b.Mode != netlink.BondXOR && b.Mode != netlink.Bond8023AD:
		p.problem(s.Again(netlink.XDPGeneric), "a bond of mode %v runs no programs in its slaves' drivers", b.Mode)
		return nil
	case b.VLANSourceMAC && (b.Mode == netlink.BondXOR || b.Mode == netlink.Bond8023AD):
		p.problem(s.Again(netlink.XDPGeneric), "a bond that sends by vlan+srcmac runs no programs in its slaves' drivers")
		return nil
	}
	return s.links(func(l *netlink.Link) error {
		if l.Master != s.Device.Link.Index {
			return nil
		}
		conn, err := s.Env.Netlink()
		if err != nil {
			return err
		}
		slave := *s
		if slave.Device, err = offload.Probe(conn, l.Index); err != nil {
			return err
		}
		switch can, known := slave.Native(); {
		case l.XDP.Attached():
			p.problem(s.off(l), "its slave %s has a program", l.Name)
		case !can && known:
			p.problem(s.Again(netlink.XDPGeneric), "the driver of its slave %s runs no XDP programs", l.Name)
		default:
			return slave.driver(p)
		}
		return nil
	})
}

// queues knows the drivers that need queues of their own for what a program sends:
// bnxt_xdp_set (its rings must be shared); ena_xdp_allowed (twice as many queues must be
// there).
func (s *Site) queues(p *Prospect) {
	q, name := s.Device.Queues, s.Device.Link.Name
	set := func(words ...string) string {
		return s.Env.Here(render.Shell(append([]string{"ethtool", "-L", name}, words...)...))
	}
	switch {
	case q == nil:
	case s.Device.Driver == "bnxt_en" && q.Combined == 0:
		p.problem(set("rx", "0", "tx", "0", "combined", fmt.Sprint(max(1, q.Rx))), "its receive and transmit queues are not combined")
	case s.Device.Driver == "ena" && q.Combined*2 > q.MaxCombined:
		p.problem(set("combined", fmt.Sprint(q.MaxCombined/2)), "it uses %d queues of %d: XDP needs as many again", q.Combined, q.MaxCombined)
	}
}

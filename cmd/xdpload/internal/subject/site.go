package subject

import (
	"fmt"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// A Site is where an XDP program shall run, and what of the program matters to the device.
type Site struct {
	Env    *env.Env
	Device *offload.Device
	Mode   netlink.XDPMode
	Frags  bool // the program takes packets of several buffers
	Bound  bool // it is to be bound to the device
	Asks   bool // it asks the driver about packets
	// Again is the command that attaches the program in another mode.
	Again func(netlink.XDPMode) string
}

// An Obstacle is something in the way, and the command that fixes it.
type Obstacle struct {
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// A Prospect is what is known of a site before it is tried.
type Prospect struct {
	Problems []Obstacle
	Unknown  []string // what the driver may find fault with
	Notes    []string // what is not refused, and not as one may expect either
}

func (p *Prospect) problem(fix, format string, args ...any) {
	p.Problems = append(p.Problems, Obstacle{Problem: fmt.Sprintf(format, args...), Fix: fix})
}

func (p *Prospect) unknown(format string, args ...any) {
	p.Unknown = append(p.Unknown, fmt.Sprintf(format, args...))
}

// Prospect holds the site against what its device says, and against what is known of its
// driver. It changes nothing.
func (s *Site) Prospect() (*Prospect, error) {
	p := new(Prospect)
	s.mode(p)
	if err := s.upper(p); err != nil {
		return nil, err
	}
	if s.Device.Link.Kind == "vrf" && !s.InDriver() {
		p.Notes = append(p.Notes, "packets come to a VRF after XDP has run, so the program sees none: its devices have them")
	}
	if !s.InDriver() {
		return p, nil
	}
	return p, s.driver(p)
}

// Native reports whether the device's driver runs XDP programs, and whether that is
// known. What the device says counts, and for a kernel that has no such question what
// is known of the driver. Netdevsim says half of it, a bond what its slaves do, and veth
// (veth_set_xdp_features) and mlx5 (mlx5e_set_xdp_feature) nothing while a setting is in
// the way, which then is what there is to tell.
func (s *Site) Native() (can, known bool) {
	d, driver := s.Device, s.Device.Known()
	listed := driver != nil && driver.Native != ""
	switch {
	case d.Features != nil && d.Features.XDP&netlink.FeatureBasic != 0:
		return true, true
	case d.Features != nil:
		setting := d.Driver == driverBond || d.Driver == driverVeth || listed && driver.LRO == offload.LRORefused && d.LRO
		return listed && (d.Features.XDP != 0 || setting), true
	case d.Driver == "tun":
		return d.Link.Type == typeEthernet, true
	}
	return listed, listed || d.Driver == ""
}

const (
	typeEthernet = 1 // ARPHRD_ETHER
	driverBond   = "bonding"
	driverVeth   = "veth"
)

// InDriver reports whether the program would run in the driver.
func (s *Site) InDriver() bool {
	can, known := s.Native()
	return (can || !known) && (s.Mode == netlink.XDPNative || s.Mode == netlink.XDPAny)
}

// mode knows the devices without the mode.
func (s *Site) mode(p *Prospect) {
	who := "this kind of device"
	if s.Device.Driver != "" {
		who = "its driver, " + s.Device.Driver + ","
	}
	can, known := s.Native()
	switch {
	case !can && known && s.Asks:
		p.problem("xdpload features", "%s runs no XDP programs, so none that asks the driver about packets: take a device with another driver", who)
	case s.Mode == netlink.XDPNative && !can && known:
		p.problem(s.Again(netlink.XDPGeneric), "%s runs no XDP programs", who)
	case s.Mode == netlink.XDPOffload && !s.offloads():
		p.problem(s.Again(netlink.XDPAny), "the device runs no programs itself: %s has no BPF offload", who)
	case s.Bound && !can && known:
		p.problem(s.Again(netlink.XDPGeneric), "no program can be bound to the device: %s runs none", who)
	case s.InDriver() && !known:
		p.unknown("whether %s runs XDP programs", who)
	}
}

func (s *Site) offloads() bool {
	if s.Device.Features != nil {
		return s.Device.Features.XDP&netlink.FeatureOffload != 0
	}
	driver := s.Device.Known()
	return driver != nil && driver.Offload != ""
}

// upper finds a device above, such as a bond or a bridge, that has a program: none can
// then be attached below (net/core/dev.c, dev_xdp_attach).
func (s *Site) upper(p *Prospect) error {
	return s.links(func(l *netlink.Link) error {
		if l.XDP.Attached() && isAbove(l, s.Device.Link) {
			p.problem(s.off(l), "%s, which is above it, has a program", l.Name)
		}
		return nil
	})
}

// isAbove reports whether packets of one device are also those of another.
func isAbove(l, below *netlink.Link) bool {
	if below.Master != 0 && l.Index == below.Master {
		return true
	}
	switch l.Kind {
	case "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec":
		return l.PeerIndex == below.Index && l.PeerNetNSID == nil
	}
	return false
}

func (s *Site) links(each func(*netlink.Link) error) error {
	conn, err := s.Env.Netlink()
	if err != nil {
		return err
	}
	for l, err := range conn.Links() {
		if err == nil {
			err = each(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// off is the command that takes a device's programs off.
func (s *Site) off(l *netlink.Link) string {
	for _, a := range new(attach.Inventory).XDP(l) {
		if a.Link != nil {
			return s.Env.Here(DetachLink(l.Name, a.Hook(), a.Link.ID))
		}
	}
	return s.Env.Here(render.Shell("xdpload", "link", "set", "dev", l.Name, "xdp", "off"))
}

package netcmd

import (
	"cmp"
	"time"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// A reading is what runs on devices at one moment, and what was counted up to then.
type reading struct {
	at       time.Time
	running  []running // as net show orders them
	programs map[uint32]prog.Info
	devices  map[place]netlink.LinkStats
}

// place is a device, which is the same in two readings.
type place struct {
	Netns   string `json:"netns,omitempty"` // with all-netns: a name, or "pid N"
	Inode   uint64 `json:"netns_inode,omitempty"`
	Ifindex int    `json:"ifindex"`
	Name    string `json:"device"`
}

func (p place) title() string {
	if p.Netns != "" {
		return p.Netns + " " + p.Name
	}
	return p.Name
}

// running is a program on a hook.
type running struct {
	place
	hook    string
	program uint32
}

// read looks at every device. Devices and programs that go away meanwhile are left out.
func (s *scope) read(e *env.Env) (*reading, error) {
	r := &reading{at: time.Now(), programs: make(map[uint32]prog.Info), devices: make(map[place]netlink.LinkStats)}
	var known attach.Inventory
	err := s.each(e, func(conn *netlink.Conn, ns *netns.Namespace) error {
		known.Enter()
		return s.add(r, conn, ns, &known)
	})
	return r, cmp.Or(err, known.Hidden())
}

// add adds what runs in a namespace.
func (s *scope) add(r *reading, conn *netlink.Conn, ns *netns.Namespace, known *attach.Inventory) error {
	stats, ifindex := make(map[int]*netlink.LinkStats), 0
	if s.Device != "" {
		l, err := conn.Link(s.Device)
		if err != nil {
			return &env.DeviceError{Name: s.Device, Err: err}
		}
		known.AddLink(l)
		stats[l.Index], ifindex = &l.Stats, l.Index
	} else {
		for l, err := range conn.Links() {
			if err != nil {
				return err
			}
			stats[l.Index] = &l.Stats
		}
	}
	for a, err := range known.Attachments(conn, ifindex) {
		if err != nil {
			return err
		}
		counters := stats[a.Ifindex]
		if a.Program.Tag == "" || counters == nil { // it has gone, or has just come
			continue
		}
		at := place{Ifindex: a.Ifindex, Name: a.Device}
		at.Netns, at.Inode = nameOf(ns)
		r.devices[at], r.programs[a.Program.ID] = *counters, a.Program
		r.running = append(r.running, running{at, a.Hook(), a.Program.ID})
	}
	return nil
}

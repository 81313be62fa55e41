package attach

import (
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// Inventory looks programs and bpf_links up and remembers them, so that a
// list of many devices asks the kernel for each only once. The zero value is
// ready. It is not safe for concurrent use.
type Inventory struct {
	programs map[uint32]*prog.Info // pointers: the map is copied as it grows
	links    map[linkPlace]LinkInfo
	qdiscs   map[int][]*netlink.Qdisc // by device index
	absent   map[sys.AttachType]bool
	hidden   error                 // why what is there was left out, nil for nothing
	devices  map[int]*netlink.Link // as they were seen last, by index: good for one look
	names    map[int]string        // of devices, by index
	hooks    map[hookKey]qdisc     // to which filters are added
}

// AddLink tells of a device as it was just listed: the next look at it needs no
// request. What has changed since is noticed.
func (v *Inventory) AddLink(l *netlink.Link) {
	if v.devices == nil {
		v.devices, v.names = make(map[int]*netlink.Link), make(map[int]string)
	}
	v.devices[l.Index], v.names[l.Index] = l, l.Name
}

// device looks at a device. What was seen before is believed once.
func (v *Inventory) device(c *netlink.Conn, ifindex int) (*netlink.Link, error) {
	if l := v.devices[ifindex]; l != nil {
		delete(v.devices, ifindex)
		return l, nil
	}
	return c.LinkByIndex(ifindex)
}

// name is that of a device, empty if it is gone.
func (v *Inventory) name(c *netlink.Conn, ifindex int) string {
	if name, ok := v.names[ifindex]; ok {
		return name
	}
	l, err := c.LinkByIndex(ifindex)
	if err != nil {
		return ""
	}
	v.AddLink(l)
	return l.Name
}

// linkPlace is where an XDP link holds which program. The device index alone
// could be that of a device in another network namespace.
type linkPlace struct {
	ifindex, program uint32
}

// XDP lists what runs on a device, in the order in which a packet meets it.
func (v *Inventory) XDP(l *netlink.Link) []*Attachment {
	out := make([]*Attachment, 0, len(l.XDP.Programs))
	for _, p := range l.XDP.Programs {
		out = append(out, &Attachment{
			Ifindex: l.Index,
			Device:  l.Name,
			Mode:    p.Mode,
			Program: v.Program(p.ID),
			Link:    v.link(linkPlace{uint32(l.Index), p.ID}),
		})
	}
	return out
}

// Enter makes ready for another network namespace. Programs and bpf_links are
// the same in all.
func (v *Inventory) Enter() { v.qdiscs, v.devices, v.names, v.hooks = nil, nil, nil, nil }

// Hidden is why [Inventory.Attachments] has left out what runs on tcx and netkit hooks, nil if it
// has not. The kernel tells that only who has CAP_NET_ADMIN, and a seccomp filter may
// keep bpf(2) from being asked.
func (v *Inventory) Hidden() error { return v.hidden }

// Program returns what the kernel tells of the program with that id: only the id
// if it is gone or not to be looked at.
func (v *Inventory) Program(id uint32) prog.Info {
	if info := v.programs[id]; info != nil {
		return *info
	}
	info, err := prog.InfoByID(id)
	if err != nil {
		info = prog.Info{ID: id}
	}
	if v.programs == nil {
		v.programs = make(map[uint32]*prog.Info)
	}
	v.programs[id] = &info
	return info
}

func (v *Inventory) link(p linkPlace) *LinkInfo {
	if v.links == nil {
		v.links = xdpLinks()
	}
	if info, ok := v.links[p]; ok {
		return &info
	}
	return nil
}

// xdpLinks is empty without the privilege to look at links.
func xdpLinks() map[linkPlace]LinkInfo {
	found := make(map[linkPlace]LinkInfo)
	for l, err := range sys.Links() {
		if err == nil && l.Type == sys.LinkTypeXDP {
			found[linkPlace{uint32(l.Ifindex), l.Program}] = LinkInfo{ID: l.ID}
		}
	}
	return found
}

// LinksOfPrograms returns the bpf_links of every kind, by the id of the program that each
// holds; none without the privilege to look at links.
func LinksOfPrograms() map[uint32][]LinkInfo {
	found := make(map[uint32][]LinkInfo)
	for l, err := range sys.Links() {
		if err == nil {
			found[l.Program] = append(found[l.Program], LinkInfo{ID: l.ID})
		}
	}
	return found
}

// classifier describes a bpf filter.
func (v *Inventory) classifier(device string, f *netlink.Filter, qdisc string) *Attachment {
	a := &Attachment{Ifindex: f.Ifindex, Device: device, Filter: &FilterInfo{Filter: *f, Qdisc: qdisc}}
	if f.BPF != nil && f.BPF.ProgramID != 0 {
		a.Program = v.Program(f.BPF.ProgramID)
	}
	return a
}

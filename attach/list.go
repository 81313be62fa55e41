package attach

import (
	"cmp"
	"errors"
	"iter"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// Attachments lists the programs on every hook of a device: see
// [Inventory.Attachments].
func Attachments(c *netlink.Conn, ifindex int) iter.Seq2[*Attachment, error] {
	return new(Inventory).Attachments(c, ifindex)
}

// Attachments lists what runs on every hook of a device, in the order in which a
// packet meets it: on its way in XDP, tcx and the filters on ingress, on its way
// out tcx, the filters on egress and those of the queue ([Inventory.FilterPlaces]). Programs for what the peer of a primary
// netkit device sends come before all those, and programs for what the
// device itself sends after them: netkit runs them when a packet leaves the
// one device for the other (drivers/net/netkit.c, netkit_xmit).
//
// A device index of 0 stands for all devices of the network namespace of c. The
// whole list is read before it is yielded; an error ends it. Hooks that this kernel
// does not have, and those that a plain user may not look at, are left out: see [Inventory.Hidden].
func (v *Inventory) Attachments(c *netlink.Conn, ifindex int) iter.Seq2[*Attachment, error] {
	return func(yield func(*Attachment, error) bool) {
		var all []*Attachment
		err := c.InNetNS(func() error {
			for link, err := range v.devicesAt(c, ifindex) {
				if err == nil {
					err = v.ofLink(c, link, &all)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		for _, a := range all {
			if !yield(a, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (v *Inventory) devicesAt(c *netlink.Conn, ifindex int) iter.Seq2[*netlink.Link, error] {
	if ifindex == 0 {
		return c.Links()
	}
	return func(yield func(*netlink.Link, error) bool) {
		yield(v.device(c, ifindex))
	}
}

func (v *Inventory) ofLink(c *netlink.Conn, l *netlink.Link, all *[]*Attachment) error {
	places, err := v.FilterPlaces(c, l.Index)
	if err != nil {
		return err
	}
	filters, err := v.classifiers(c, l, places)
	if err != nil {
		return err
	}
	in := len(filters)
	if i := slices.IndexFunc(filters, func(a *Attachment) bool { return a.Filter.Parent != netlink.Ingress }); i >= 0 {
		in = i
	}
	primary := l.Netkit != nil && l.Netkit.Primary
	out := *all
	if primary && !l.Netkit.Single {
		out = append(out, v.mprog(l, sys.NetkitPeer)...)
	}
	out = append(out, v.XDP(l)...)
	out = append(out, v.mprog(l, sys.TCXIngress)...)
	out = append(out, filters[:in]...)
	out = append(out, v.mprog(l, sys.TCXEgress)...)
	out = append(out, filters[in:]...)
	if primary {
		out = append(out, v.mprog(l, sys.NetkitPrimary)...)
	}
	*all = out
	return nil
}

// mprog is empty where the kernel does not tell, and then asks no more.
func (v *Inventory) mprog(l *netlink.Link, point sys.AttachType) []*Attachment {
	if v.absent[point] {
		return nil
	}
	hook := mprog{ifindex: l.Index, point: point}
	on, err := hook.query(l.Name, v)
	switch errno, _ := errors.AsType[unix.Errno](err); errno {
	case unix.EPERM, unix.ENOSYS:
		if v.hidden == nil {
			v.hidden = &HookError{Op: opLook, Hook: hook.name(), Err: errno}
		}
		fallthrough
	case unix.EINVAL:
		if v.absent == nil {
			v.absent = make(map[sys.AttachType]bool)
		}
		v.absent[point] = true
	default: // it may have gone, or there is nothing
	}
	return on.programs
}

// Classifiers lists the programs that the filters on a device's clsact or ingress
// qdisc run: what comes in first, then what goes out; of a hook, chain 0 and
// then the chains that a filter there may send packets to.
func (v *Inventory) Classifiers(c *netlink.Conn, l *netlink.Link) ([]*Attachment, error) {
	all, err := v.qdiscsByDevice(c)
	if err != nil {
		return nil, err
	}
	return v.classifiers(c, l, clsactPlaces(all[l.Index]))
}

func (v *Inventory) classifiers(c *netlink.Conn, l *netlink.Link, places []FilterPlace) (out []*Attachment, _ error) {
	for _, p := range places {
		filters, err := programsOn(c, netlink.FilterQuery{Ifindex: l.Index, Parent: p.Parent})
		if err != nil {
			return nil, err
		}
		for _, f := range filters {
			a := v.classifier(l.Name, f, p.Qdisc)
			a.Ifindex = l.Index // a block's filters have none
			a.Filter.Parent = p.Parent
			out = append(out, a)
		}
	}
	return out, nil
}

func programsOn(c *netlink.Conn, q netlink.FilterQuery) ([]*netlink.Filter, error) {
	var filters []*netlink.Filter
	for f, err := range c.Filters(q) {
		if errors.Is(err, unix.EMSGSIZE) {
			break // classic BPF that cannot be listed: better the rest than nothing
		}
		if err != nil {
			return nil, err
		}
		if f.BPF != nil && f.BPF.ProgramID != 0 {
			filters = append(filters, f)
		}
	}
	slices.SortStableFunc(filters, func(a, b *netlink.Filter) int { return cmp.Compare(a.Chain, b.Chain) })
	return filters, nil
}

package attach

import (
	"maps"
	"slices"

	"github.com/xdpload/xdpload/netlink"
)

// A FilterPlace is where a device may have filters.
type FilterPlace struct {
	Ifindex int
	Parent  netlink.Parent // a hook, a qdisc or a class; 0 for a root qdisc without a handle
	Qdisc   string         // its kind: "clsact", "htb"
}

// FilterPlaces lists the places of a device, or for index 0 of each, in the order in
// which a packet meets them: what comes in, what goes out, and then the queue, from
// the root qdisc down through classes and other qdiscs. Qdiscs that take no filters are
// left out.
func (v *Inventory) FilterPlaces(c *netlink.Conn, ifindex int) ([]FilterPlace, error) {
	all, err := v.qdiscsByDevice(c)
	if err != nil {
		return nil, err
	}
	devices := []int{ifindex}
	if ifindex == 0 {
		devices = slices.Sorted(maps.Keys(all))
	}
	var out []FilterPlace
	for _, ifindex := range devices {
		out = append(out, clsactPlaces(all[ifindex])...)
		queue, err := queuePlaces(c, ifindex, all[ifindex])
		if err != nil {
			return nil, err
		}
		out = append(out, queue...)
	}
	return out, nil
}

// qdiscsByDevice asks for all devices at once: the kernel lists them all, whichever
// device is asked for.
func (v *Inventory) qdiscsByDevice(c *netlink.Conn) (map[int][]*netlink.Qdisc, error) {
	if v.qdiscs != nil {
		return v.qdiscs, nil
	}
	all := make(map[int][]*netlink.Qdisc)
	for q, err := range c.Qdiscs(0) {
		if err != nil {
			return nil, err
		}
		all[q.Ifindex] = append(all[q.Ifindex], q)
	}
	v.qdiscs = all
	return all, nil
}

// clsactPlaces are the hooks of a device's clsact or ingress qdisc.
func clsactPlaces(qdiscs []*netlink.Qdisc) (out []FilterPlace) {
	for _, q := range qdiscs {
		if q.Parent != netlink.HandleClsact {
			continue
		}
		for _, hook := range (qdisc{kind: q.Kind}).hooks() {
			out = append(out, FilterPlace{Ifindex: q.Ifindex, Parent: hook, Qdisc: q.Kind})
		}
	}
	return out
}

// queuePlaces walks a device's queue as a packet does, and all ways at once.
func queuePlaces(c *netlink.Conn, ifindex int, qdiscs []*netlink.Qdisc) (out []FilterPlace, err error) {
	below := make(map[netlink.Handle][]queueNode)
	var next []queueNode
	add := func(n queueNode) {
		if n.parent == netlink.HandleRoot {
			next = append(next, n)
			return
		}
		below[n.parent] = append(below[n.parent], n)
	}
	classes := make(map[netlink.Handle]bool)
	if slices.ContainsFunc(qdiscs, func(q *netlink.Qdisc) bool { return classFilters(q.Kind) }) {
		for cl, err := range c.Classes(ifindex) {
			if err != nil {
				return nil, err
			}
			classes[cl.Handle] = true
			add(queueNode{cl.Handle, classParent(cl), cl.Kind, true})
		}
	}
	for _, q := range qdiscs {
		parent := q.Parent
		if parent != netlink.HandleRoot && !classes[parent] { // of a class that was not asked about
			parent &= majorOf
		}
		if q.Parent != netlink.HandleClsact {
			add(queueNode{q.Handle, parent, q.Kind, false})
		}
	}
	for seen := make(map[queueNode]bool); len(next) > 0; next = next[1:] {
		n := next[0]
		if seen[n] {
			continue
		}
		seen[n] = true
		if n.filters() {
			out = append(out, FilterPlace{Ifindex: ifindex, Parent: netlink.Parent(n.handle), Qdisc: n.kind})
		}
		next = append(next, below[n.handle]...)
	}
	return out, nil
}

const majorOf netlink.Handle = 0xffff << 16

// classParent is the class above, or the qdisc.
func classParent(cl *netlink.Class) netlink.Handle {
	if cl.Parent == netlink.HandleRoot {
		return cl.Handle & majorOf
	}
	return cl.Parent
}

// A queueNode is a qdisc or a class of a device's queue.
type queueNode struct {
	handle, parent netlink.Handle
	kind           string
	class          bool
}

// filters reports whether there may be filters here that can be listed: a qdisc
// below the root needs a handle for that.
func (n queueNode) filters() bool {
	if n.class {
		return classFilters(n.kind) && n.handle&majorOf != n.handle // else the qdisc itself
	}
	return !noFilters(n.kind) && (n.handle != 0 || n.parent == netlink.HandleRoot)
}

// classFilters reports whether each class of a kind has filters of its own
// (net/sched/sch_htb.c, htb_tcf_block; sch_hfsc.c, hfsc_tcf_block).
func classFilters(kind string) bool { return kind == "htb" || kind == "hfsc" }

// noFilters reports whether a kind takes none, of those that devices have unasked.
func noFilters(kind string) bool {
	return slices.Contains([]string{"noqueue", "pfifo_fast", "mq", "fq"}, kind)
}

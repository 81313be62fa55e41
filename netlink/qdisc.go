package netlink

import (
	"fmt"
	"iter"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Qdisc is a queueing discipline. Of a kind other than clsact and ingress,
// only what all kinds share is decoded.
type Qdisc struct {
	Ifindex int
	Kind    string // "clsact", "ingress", …
	Handle  Handle // 0 in a request: the kernel's choice
	Parent  Handle

	// IngressBlock and EgressBlock are the blocks whose filters are shared
	// with other qdiscs, 0 for filters of its own.
	IngressBlock, EgressBlock uint32

	// Replies only.
	Refs      uint32 // how many hold it
	Offloaded bool
	Stats     *Stats
}

// Clsact is the request for a clsact qdisc, which has an ingress and an egress
// hook for filters.
func Clsact(ifindex int) *Qdisc {
	return &Qdisc{Ifindex: ifindex, Kind: "clsact", Handle: MakeHandle(0xffff, 0), Parent: HandleClsact}
}

// IngressQdisc is the request for an ingress qdisc, which has an ingress hook
// only. A device has either this or clsact.
func IngressQdisc(ifindex int) *Qdisc {
	q := Clsact(ifindex)
	q.Kind = "ingress"
	return q
}

// AddQdisc creates q. If one with its parent and handle exists, of whatever
// kind, it is [os.ErrExist].
func (c *Conn) AddQdisc(q *Qdisc) error {
	return c.setQdisc("add qdisc", q, netlink.Create|netlink.Excl)
}

// ReplaceQdisc creates q or changes the one that exists. A clsact that exists
// keeps its filters. One of another kind is EINVAL.
func (c *Conn) ReplaceQdisc(q *Qdisc) error {
	return c.setQdisc("replace qdisc", q, netlink.Create|netlink.Replace)
}

// ChangeQdisc changes one that exists; otherwise it is [os.ErrNotExist].
func (c *Conn) ChangeQdisc(q *Qdisc) error { return c.setQdisc("change qdisc", q, 0) }

// LinkQdisc is ReplaceQdisc of one that exists; otherwise it is [os.ErrNotExist].
func (c *Conn) LinkQdisc(q *Qdisc) error { return c.setQdisc("link qdisc", q, netlink.Replace) }

func (c *Conn) setQdisc(op string, q *Qdisc, flags netlink.HeaderFlags) error {
	return c.change(qdiscRequest(op, unix.RTM_NEWQDISC, flags, q))
}

// DeleteQdisc deletes q and the filters on it. The kernel answers EINVAL
// ("Invalid handle.") if there is none.
func (c *Conn) DeleteQdisc(q *Qdisc) error {
	return c.change(qdiscRequest("delete qdisc", unix.RTM_DELQDISC, 0, q))
}

// Qdisc finds the qdisc of a device that has this parent, such as HandleClsact.
// None is [os.ErrNotExist].
func (c *Conn) Qdisc(ifindex int, parent Handle) (*Qdisc, error) {
	m := tcmsg{ifindex: int32(ifindex), parent: uint32(parent)}
	return get(c, tcRequest("get qdisc", unix.RTM_GETQDISC, netlink.Echo|netlink.Acknowledge, m), (*Qdisc).decode)
}

// Qdiscs lists the qdiscs of a device, or of all for index 0.
func (c *Conn) Qdiscs(ifindex int) iter.Seq2[*Qdisc, error] {
	return sequence(func() ([]*Qdisc, error) {
		all, err := list(c, tcRequest("list qdiscs", unix.RTM_GETQDISC, 0, tcmsg{ifindex: int32(ifindex)}), (*Qdisc).decode)
		if ifindex != 0 { // the kernel dumps every device's
			all = slices.DeleteFunc(all, func(q *Qdisc) bool { return q.Ifindex != ifindex })
		}
		return all, err
	})
}

func qdiscRequest(op string, typ uint16, flags netlink.HeaderFlags, q *Qdisc) request {
	r := tcRequest(op, typ, flags, tcmsg{ifindex: int32(q.Ifindex), handle: uint32(q.Handle), parent: uint32(q.Parent)})
	r.string(unix.TCA_KIND, q.Kind)
	if q.IngressBlock != 0 {
		r.u32(unix.TCA_INGRESS_BLOCK, q.IngressBlock)
	}
	if q.EgressBlock != 0 {
		r.u32(unix.TCA_EGRESS_BLOCK, q.EgressBlock)
	}
	return r
}

func (q *Qdisc) decode(b []byte) error {
	m, d, err := decodeTcmsg(b)
	if err != nil {
		return err
	}
	q.Ifindex, q.Handle, q.Parent, q.Refs = int(m.ifindex), Handle(m.handle), Handle(m.parent), m.info
	for d.next() {
		switch d.typ {
		case unix.TCA_KIND:
			q.Kind = d.string()
		case unix.TCA_INGRESS_BLOCK:
			q.IngressBlock = d.u32()
		case unix.TCA_EGRESS_BLOCK:
			q.EgressBlock = d.u32()
		case unix.TCA_HW_OFFLOAD:
			q.Offloaded = d.u8() != 0
		case unix.TCA_STATS2:
			q.Stats = new(Stats)
			d.nested(q.Stats.decode)
		}
	}
	if d.err != nil {
		return fmt.Errorf("qdisc %s of device %d: %w", q.Handle, q.Ifindex, d.err)
	}
	return nil
}

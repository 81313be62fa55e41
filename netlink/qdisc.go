package netlink

import (
	"fmt"
	"iter"

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
	r, err := qdiscRequest(op, unix.RTM_NEWQDISC, flags, q)
	if err != nil {
		return newError(op, q.Ifindex, err)
	}
	return c.change(r, nil)
}

// DeleteQdisc deletes q and the filters on it. The kernel answers EINVAL
// ("Invalid handle.") if there is none.
func (c *Conn) DeleteQdisc(q *Qdisc) error {
	r, err := qdiscRequest("delete qdisc", unix.RTM_DELQDISC, 0, q)
	if err != nil {
		return newError(r.op, q.Ifindex, err)
	}
	return c.change(r, nil)
}

// Qdisc finds the qdisc of a device that has this parent, such as HandleClsact.
// None is [os.ErrNotExist].
func (c *Conn) Qdisc(ifindex int, parent Handle) (*Qdisc, error) {
	r := tcRequest("get qdisc", unix.RTM_GETQDISC, tcmsg{ifindex: int32(ifindex), parent: uint32(parent)})
	r.flags = netlink.Echo | netlink.Acknowledge
	q := new(Qdisc)
	if err := c.get(r, q.decodeMessage); err != nil {
		return nil, err
	}
	return q, nil
}

// Qdiscs lists the qdiscs of a device, or of all for index 0.
func (c *Conn) Qdiscs(ifindex int) iter.Seq2[*Qdisc, error] {
	r := tcRequest("list qdiscs", unix.RTM_GETQDISC, tcmsg{ifindex: int32(ifindex)})
	all := list(c, r, (*Qdisc).decodeMessage)
	return func(yield func(*Qdisc, error) bool) {
		for q, err := range all { // the kernel dumps every device's
			if q != nil && ifindex != 0 && q.Ifindex != ifindex {
				continue
			}
			if !yield(q, err) {
				return
			}
		}
	}
}

func qdiscRequest(op string, typ uint16, flags netlink.HeaderFlags, q *Qdisc) (request, error) {
	r := tcRequest(op, typ, tcmsg{ifindex: int32(q.Ifindex), handle: uint32(q.Handle), parent: uint32(q.Parent)})
	r.flags = flags
	e := encoder{b: r.body}
	e.string(unix.TCA_KIND, q.Kind)
	if q.IngressBlock != 0 {
		e.u32(unix.TCA_INGRESS_BLOCK, q.IngressBlock)
	}
	if q.EgressBlock != 0 {
		e.u32(unix.TCA_EGRESS_BLOCK, q.EgressBlock)
	}
	r.body = e.b
	return r, e.err
}

func (q *Qdisc) decodeMessage(m netlink.Message) error { return q.decode(m.Data) }

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

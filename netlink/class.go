package netlink

import (
	"fmt"
	"iter"

	"golang.org/x/sys/unix"
)

// A Class is a class of a qdisc. Only what all kinds share is decoded.
type Class struct {
	Ifindex int
	Kind    string // of its qdisc: "htb", …
	Handle  Handle
	Parent  Handle // another class, or HandleRoot for one of the qdisc's own
}

// Classes lists the classes of all qdiscs of a device, which may be as many as it
// has queues. A device that does not exist has none.
func (c *Conn) Classes(ifindex int) iter.Seq2[*Class, error] {
	return sequence(func() ([]*Class, error) {
		return list(c, tcRequest("list classes", unix.RTM_GETTCLASS, 0, tcmsg{ifindex: int32(ifindex)}), (*Class).decode)
	})
}

func (cl *Class) decode(b []byte) error {
	m, d, err := decodeTcmsg(b)
	if err != nil {
		return err
	}
	cl.Ifindex, cl.Handle, cl.Parent = int(m.ifindex), Handle(m.handle), Handle(m.parent)
	for d.next() {
		if d.typ == unix.TCA_KIND {
			cl.Kind = d.string()
		}
	}
	if d.err != nil {
		return fmt.Errorf("class %s of device %d: %w", cl.Handle, cl.Ifindex, d.err)
	}
	return nil
}

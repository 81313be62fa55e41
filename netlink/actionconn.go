package netlink

import (
	"fmt"
	"iter"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const sizeofTcamsg = 4 // struct tcamsg of linux/rtnetlink.h: a family and padding

// AddActions creates actions that filters can share by their Index, and returns
// them as the kernel has them. An Index that is taken is [os.ErrExist].
func (c *Conn) AddActions(actions ...*Action) ([]*Action, error) {
	return c.setActions("add action", netlink.Create|netlink.Excl, actions)
}

// ReplaceActions creates actions or changes those with their Index. It returns
// them as AddActions does.
func (c *Conn) ReplaceActions(actions ...*Action) ([]*Action, error) {
	return c.setActions("replace action", netlink.Create|netlink.Replace, actions)
}

func (c *Conn) setActions(op string, flags netlink.HeaderFlags, actions []*Action) (got []*Action, err error) {
	e := encoder{b: make([]byte, sizeofTcamsg)}
	encodeActions(&e, unix.TCA_ROOT_TAB, actions)
	if e.err != nil {
		return nil, newError(op, 0, e.err)
	}
	r := request{op: op, typ: unix.RTM_NEWACTION, flags: flags | netlink.Echo, body: e.b}
	err = c.change(r, collectActions(&got))
	for _, a := range actions {
		if err != nil && a.BPF != nil {
			err = explainBytecode(err, a.BPF.Bytecode)
		}
	}
	return got, err
}

// DeleteActions deletes the actions of a kind with these indexes, all or none.
// One that is not there is [os.ErrNotExist], one that a filter uses EPERM.
func (c *Conn) DeleteActions(kind string, indexes ...uint32) error {
	return c.change(actionRequest("delete action", unix.RTM_DELACTION, kind, indexes...), nil)
}

// FlushActions deletes the actions of a kind that no filter uses.
func (c *Conn) FlushActions(kind string) error {
	r := actionRequest("flush actions", unix.RTM_DELACTION, kind)
	r.flags = netlink.Root
	return c.change(r, nil)
}

// Action finds one action.
func (c *Conn) Action(kind string, index uint32) (*Action, error) {
	r := actionRequest("get action", unix.RTM_GETACTION, kind, index)
	r.flags = netlink.Acknowledge
	var got []*Action
	if err := c.get(r, collectActions(&got)); err != nil {
		return nil, err
	}
	if len(got) != 1 {
		return nil, newError(r.op, 0, fmt.Errorf("the kernel sent %d actions", len(got)))
	}
	return got[0], nil
}

// Actions lists the actions of a kind, those used since a time ago only if that
// is not 0.
func (c *Conn) Actions(kind string, since time.Duration) iter.Seq2[*Action, error] {
	return func(yield func(*Action, error) bool) {
		r := actionRequest("list actions", unix.RTM_GETACTION, kind)
		if since != 0 {
			e := encoder{b: r.body}
			e.u32(unix.TCA_ROOT_TIME_DELTA, uint32(since.Milliseconds()))
			r.body = e.b
		}
		var got []*Action
		err := c.dump(r, func() { got = nil }, collectActions(&got))
		for _, a := range got {
			if !yield(a, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// actionRequest names the actions of a kind by their index; without one it is
// about all, and asks for messages of more than 32 actions as tc(8) does.
func actionRequest(op string, typ uint16, kind string, indexes ...uint32) request {
	e := encoder{b: make([]byte, sizeofTcamsg)}
	if len(indexes) == 0 {
		e.nest(unix.TCA_ROOT_TAB, func() {
			e.nest(1, func() { e.string(_TCA_ACT_KIND, kind) })
		})
		e.bitfield(unix.TCA_ROOT_FLAGS, _TCA_FLAG_LARGE_DUMP_ON, _TCA_FLAG_LARGE_DUMP_ON)
		return request{op: op, typ: typ, body: e.b}
	}
	e.nest(unix.TCA_ROOT_TAB, func() {
		for i, index := range indexes {
			e.nest(uint16(i+1), func() {
				e.string(_TCA_ACT_KIND, kind)
				e.u32(_TCA_ACT_INDEX, index)
			})
		}
	})
	return request{op: op, typ: typ, body: e.b}
}

func collectActions(into *[]*Action) func(netlink.Message) error {
	return func(m netlink.Message) error { return decodeActionMessage(m.Data, into) }
}

func decodeActionMessage(b []byte, into *[]*Action) error {
	if len(b) < sizeofTcamsg {
		return fmt.Errorf("actions: %w", errShort)
	}
	d := newDecoder(b[sizeofTcamsg:])
	for d.next() {
		if d.typ == unix.TCA_ROOT_TAB {
			d.nested(func(d *decoder) error { return decodeActions(d, into) })
		}
	}
	if d.err != nil {
		return fmt.Errorf("actions: %w", d.err)
	}
	return nil
}

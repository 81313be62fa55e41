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
	r := actionMessage(op, unix.RTM_NEWACTION, flags|netlink.Echo)
	encodeActions(&r.encoder, unix.TCA_ROOT_TAB, actions)
	err = c.changeAll([]request{r}, func(_ int, m netlink.Message) error { return decodeActionMessage(&got, m.Data) })[0]
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
	return c.change(actionRequest("delete action", unix.RTM_DELACTION, 0, kind, indexes...))
}

// FlushActions deletes the actions of a kind that no filter uses.
func (c *Conn) FlushActions(kind string) error {
	return c.change(actionRequest("flush actions", unix.RTM_DELACTION, netlink.Root, kind))
}

// Action finds one action.
func (c *Conn) Action(kind string, index uint32) (*Action, error) {
	r := actionRequest("get action", unix.RTM_GETACTION, netlink.Acknowledge, kind, index)
	got, err := get(c, r, decodeActionMessage)
	if err != nil {
		return nil, err
	}
	if len(*got) != 1 {
		return nil, r.failed(fmt.Errorf("the kernel sent %d actions", len(*got)))
	}
	return (*got)[0], nil
}

// Actions lists the actions of a kind, those used since a time ago only if that
// is not 0.
func (c *Conn) Actions(kind string, since time.Duration) iter.Seq2[*Action, error] {
	return sequence(func() (got []*Action, err error) {
		r := actionRequest("list actions", unix.RTM_GETACTION, 0, kind)
		if since != 0 {
			r.u32(unix.TCA_ROOT_TIME_DELTA, uint32(since.Milliseconds()))
		}
		err = c.dump(r, func() { got = nil }, func(b []byte) error { return decodeActionMessage(&got, b) })
		return got, err
	})
}

// actionRequest names the actions of a kind by their index; without one it is
// about all, and asks for messages of more than 32 actions as tc(8) does.
func actionRequest(op string, typ uint16, flags netlink.HeaderFlags, kind string, indexes ...uint32) request {
	r := actionMessage(op, typ, flags)
	r.nest(unix.TCA_ROOT_TAB, func() {
		if len(indexes) == 0 {
			r.nest(1, func() { r.string(_TCA_ACT_KIND, kind) })
		}
		for i, index := range indexes {
			r.nest(uint16(i+1), func() {
				r.string(_TCA_ACT_KIND, kind)
				r.u32(_TCA_ACT_INDEX, index)
			})
		}
	})
	if len(indexes) == 0 {
		r.bitfield(unix.TCA_ROOT_FLAGS, _TCA_FLAG_LARGE_DUMP_ON, _TCA_FLAG_LARGE_DUMP_ON)
	}
	return r
}

func actionMessage(op string, typ uint16, flags netlink.HeaderFlags) request {
	return request{op: op, typ: typ, flags: flags, encoder: encoder{b: make([]byte, sizeofTcamsg)}}
}

func decodeActionMessage(into *[]*Action, b []byte) error {
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

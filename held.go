package xdpload

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/netlink"
)

// held are programs that a device runs, by id. An open descriptor keeps each
// when another takes its place.
type held map[uint32]*Program

// hold keeps what a failed commit would have to put back: nothing without
// pins, because then a commit cannot fail.
func (l *Loaded) hold(c *netlink.Conn, h Hook) (held, error) {
	if l.pins.txn == nil && len(l.live) == 0 {
		return nil, nil
	}
	all := make(held)
	for a, err := range Attachments(c, deviceOf(h)) {
		if err != nil {
			all.close()
			return nil, err
		}
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(a.Program.ID))
		if err == nil { // else it is gone since, or not to be opened
			all[a.Program.ID] = &Program{ProgramInfo: a.Program, prog: p}
		}
	}
	return all, nil
}

func (all held) close() {
	for _, p := range all {
		p.Close()
	}
}

// restore takes off what was attached, or puts what it replaced in its place.
// A bpf_link that is new goes with its pin.
func (all held) restore(c *netlink.Conn, h Hook, a *Attachment) error {
	if _, isNew := byLink(h); isNew || a.Link != nil && a.Replaced == nil {
		return nil
	}
	place := placeOf(h, a)
	if a.Replaced == nil {
		_, err := Detach(c, place)
		return err
	}
	old := all[a.Replaced.ID]
	if old == nil {
		return fmt.Errorf("%s runs the new program, and program id %d cannot be put back", a.Device, a.Replaced.ID)
	}
	_, err := Attach(c, old, place)
	return err
}

func deviceOf(h Hook) int {
	switch h := h.(type) {
	case XDP:
		return h.Ifindex
	case Clsact:
		return h.Filter.Ifindex
	case TCX:
		return h.Ifindex
	case Netkit:
		return h.Ifindex
	}
	return 0 // all devices
}

// placeOf is the hook that an attachment has taken, to be replaced there.
func placeOf(h Hook, a *Attachment) Hook {
	id := ProgramID(a.Program.ID)
	switch x := h.(type) {
	case XDP:
		if a.Link == nil {
			return XDP{Ifindex: a.Ifindex, Mode: a.Mode, Replace: true}
		}
	case Clsact:
		return Clsact{Filter: a.Filter.Filter, Op: FilterReplace}
	case TCX:
		x.Order = Order{Anchor: Replace(id), Which: id}
		return x
	case Netkit:
		x.Order = Order{Anchor: Replace(id), Which: id}
		return x
	}
	return h
}

package netlink

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Topic is a set of kinds of events.
type Topic uint32

// The topics.
const (
	TopicLinks Topic = 1 << (unix.RTNLGRP_LINK - 1) // devices, with their XDP programs
	TopicTC    Topic = 1 << (unix.RTNLGRP_TC - 1)   // qdiscs, chains, filters, actions
)

// A Change says what became of an event's object.
type Change uint8

// The changes. The kernel does not tell a new device or a new qdisc from a
// changed one: both are Changed.
const (
	Changed Change = iota
	Added
	Replaced
	Deleted
)

var changes = []name[Change]{
	{Changed, "changed"},
	{Added, "added"},
	{Replaced, "replaced"},
	{Deleted, "deleted"},
}

// String is "changed", "added", "replaced" or "deleted".
func (c Change) String() string { return nameOf(changes, c) }

// MarshalText is [Change.String].
func (c Change) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what String writes.
func (c *Change) UnmarshalText(text []byte) error { return parse(c, changes, "change", text) }

// An Event is a change of one object; exactly one of the pointers is set, or
// Actions.
type Event struct {
	Change  Change
	Link    *Link
	Qdisc   *Qdisc
	Chain   *Chain
	Filter  *Filter // with Head set: all of its pref
	Actions []*Action
	// Warning is a sentence that the kernel adds, such as why a filter was not
	// offloaded; empty for most.
	Warning string
}

// A Monitor receives events. It is for one goroutine.
type Monitor struct{ nl *netlink.Conn }

// Room for events that wait to be read, beside the 200 KiB that the kernel
// gives: a burst of thousands of filters is lost otherwise.
const monitorBuffer = 1 << 20

// Subscribe opens a Monitor, which the caller must Close. Events from then on
// wait for [Monitor.Events]. c.Warn is not used.
func Subscribe(c *Config, topics Topic) (*Monitor, error) {
	if c == nil {
		c = &Config{}
	}
	nl, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{
		NetNS: c.NetNS, Groups: uint32(topics), Strict: true, MessageBufferSize: receiveBuffer,
	})
	if err != nil {
		return nil, newError("open netlink socket", 0, err)
	}
	if err := nl.SetReadBuffer(monitorBuffer); err != nil {
		return nil, errors.Join(newError("size netlink buffer", 0, err), nl.Close())
	}
	return &Monitor{nl}, nil
}

// Close closes the socket.
func (m *Monitor) Close() error { return m.nl.Close() }

// Events yields events until ctx is done, which is not an error. ENOBUFS, of an
// *[Error], says that events were lost because they were not read fast enough;
// others follow. Any other error is the last.
func (m *Monitor) Events(ctx context.Context) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		stop := context.AfterFunc(ctx, func() {
			_ = m.nl.SetReadDeadline(time.Unix(1, 0)) // it fails on a closed socket only, which is at its end too
		})
		defer stop()
		for ctx.Err() == nil && m.receive(ctx, yield) {
		}
	}
}

// receive yields the events of one datagram, and reports whether to go on.
func (m *Monitor) receive(ctx context.Context, yield func(*Event, error) bool) bool {
	for msg, err := range m.nl.ReceiveIter() {
		if err != nil {
			if ctx.Err() != nil {
				return false
			}
			return yield(nil, newError("monitor", 0, err)) && errors.Is(err, unix.ENOBUFS)
		}
		ev, err := decodeEvent(msg)
		if err == nil && ev == nil {
			continue // of a type that these topics carry and we do not
		}
		if !yield(ev, newError("monitor", 0, err)) {
			return false
		}
	}
	return true
}

func decodeEvent(m netlink.Message) (*Event, error) {
	ev := &Event{Change: changeOf(m.Header)}
	switch m.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		ev.Link = new(Link)
		return ev, ev.Link.decode(m.Data)
	case unix.RTM_NEWQDISC, unix.RTM_DELQDISC:
		ev.Qdisc = new(Qdisc)
		return ev, ev.Qdisc.decode(m.Data)
	case unix.RTM_NEWCHAIN, unix.RTM_DELCHAIN:
		ev.Chain = new(Chain)
		return ev, ev.Chain.decode(m.Data)
	case unix.RTM_NEWTFILTER, unix.RTM_DELTFILTER:
		ev.Filter = new(Filter)
		ev.Warning = tcWarning(m.Data)
		return ev, ev.Filter.decode(m.Data)
	case unix.RTM_NEWACTION, unix.RTM_DELACTION:
		return ev, decodeActionMessage(&ev.Actions, m.Data)
	}
	return nil, nil
}

// changeOf reads the flags of the request that caused the event, which the
// kernel copies to it, except for qdiscs.
func changeOf(h netlink.Header) Change {
	switch h.Type {
	case unix.RTM_DELLINK, unix.RTM_DELQDISC, unix.RTM_DELCHAIN, unix.RTM_DELTFILTER, unix.RTM_DELACTION:
		return Deleted
	case unix.RTM_NEWLINK:
		return Changed
	}
	switch {
	case h.Flags&(netlink.Create|netlink.Excl) == netlink.Create|netlink.Excl:
		return Added
	case h.Flags&netlink.Create != 0:
		return Replaced
	}
	return Changed
}

func tcWarning(b []byte) string {
	_, d, err := decodeTcmsg(b)
	for err == nil && d.next() {
		if d.typ == unix.TCA_EXT_WARN_MSG {
			return d.string()
		}
	}
	return ""
}

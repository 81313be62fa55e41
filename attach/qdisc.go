package attach

import (
	"errors"
	"fmt"
	"os"

	"github.com/xdpload/xdpload/netlink"
)

// NoEgressError says that a device has an ingress qdisc, which has no egress
// hook. (The kernel takes a filter for egress there, and puts it on ingress.)
type NoEgressError struct {
	Device string // its name
}

func (e *NoEgressError) Error() string {
	return "the ingress qdisc of the device has no egress hook, only a clsact qdisc has"
}

// Is reports whether the target is os.ErrNotExist.
func (e *NoEgressError) Is(target error) bool { return target == os.ErrNotExist }

// CheckHook refuses the egress of a device that has an ingress qdisc, a
// [*NoEgressError]: what is asked for there, the kernel does on ingress. A device
// with neither qdisc passes.
func CheckHook(c *netlink.Conn, ifindex int, p netlink.Parent) error {
	if p != netlink.Egress {
		return nil
	}
	e := &session{conn: c, Options: Options{Known: new(Inventory)}}
	_, err := Clsact{Filter: netlink.Filter{Ifindex: ifindex, Parent: p}}.findQdisc(e)
	return err
}

// HookName is the name that [Attachment.Hook] gives to a classifier's hook, whose qdisc
// is looked up; [netlink.Root] or 0 is the root qdisc.
func HookName(c *netlink.Conn, ifindex int, p netlink.Parent) (string, error) {
	root := p == 0 || p == netlink.Root
	at := FilterInfo{Filter: netlink.Filter{Parent: p}}
	for q, err := range c.Qdiscs(ifindex) {
		switch {
		case err != nil:
			return "", err
		case root && q.Parent == netlink.HandleRoot:
			at.Qdisc, at.Parent = q.Kind, netlink.Parent(q.Handle)
		case !root && q.Handle>>16 == netlink.Handle(p)>>16:
			at.Qdisc = q.Kind
		}
	}
	return (&Attachment{Filter: &at}).Hook(), nil
}

// qdisc is what a hook is on.
type qdisc struct {
	kind         string
	ingressBlock uint32 // 0 where the hook has filters of its own
	egressBlock  uint32
	missing      bool
}

// shares reports whether the filters of a hook are those of a block.
func (q qdisc) shares(p netlink.Parent) bool {
	return p == netlink.Ingress && q.ingressBlock != 0 || p == netlink.Egress && q.egressBlock != 0
}

// hooks are those that the qdisc has.
func (q qdisc) hooks() []netlink.Parent {
	switch q.kind {
	case kindClsact:
		return []netlink.Parent{netlink.Ingress, netlink.Egress}
	case kindIngress:
		return []netlink.Parent{netlink.Ingress}
	}
	return nil
}

// creates reports whether the hook is one of those that can be made on demand.
func (h Clsact) creates() bool {
	return h.Filter.Block == 0 && !h.Change &&
		(h.Filter.Parent == netlink.Ingress || h.Filter.Parent == netlink.Egress)
}

// hookKey is where filters are.
type hookKey struct {
	ifindex int
	parent  netlink.Parent
}

func (h Clsact) hook() hookKey { return hookKey{h.Filter.Ifindex, h.Filter.Parent} }

// findOnce is findQdisc, which for filters that are only added is believed from then
// on: a hook that is gone since refuses them.
func (s *filterSteps) findOnce(e *session) (qdisc, error) {
	h := s.Clsact
	if !s.adds() || h.Filter.Block != 0 {
		return h.findQdisc(e)
	}
	if at, ok := e.Known.hooks[h.hook()]; ok {
		return at, nil
	}
	at, err := h.findQdisc(e)
	if err != nil || at.missing { // it will be created, or the filter is refused
		return at, err
	}
	if e.Known.hooks == nil {
		e.Known.hooks = make(map[hookKey]qdisc)
	}
	e.Known.hooks[h.hook()] = at
	return at, nil
}

// findQdisc finds what the hook is on. Classes are for the kernel to know.
func (h Clsact) findQdisc(e *session) (qdisc, error) {
	c := e.conn
	switch major := netlink.Handle(h.Filter.Parent) >> 16; {
	case h.Filter.Block != 0:
		return findQdisc(c, 0, func(q *netlink.Qdisc) bool {
			return q.IngressBlock == h.Filter.Block || q.EgressBlock == h.Filter.Block
		})
	case h.Filter.Parent == 0, h.Filter.Parent == netlink.Root:
		return qdisc{}, nil
	case major != 0xffff:
		return findQdisc(c, h.Filter.Ifindex, func(q *netlink.Qdisc) bool { return q.Handle>>16 == major })
	}
	q, err := findQdisc(c, h.Filter.Ifindex, func(q *netlink.Qdisc) bool { return q.Parent == netlink.HandleClsact })
	if err == nil && h.Filter.Parent == netlink.Egress && q.kind == kindIngress {
		err = &NoEgressError{Device: h.name(e)}
	}
	return q, err
}

// findQdisc finds the first that is what is looked for.
func findQdisc(c *netlink.Conn, ifindex int, is func(*netlink.Qdisc) bool) (qdisc, error) {
	for q, err := range c.Qdiscs(ifindex) {
		if err != nil {
			return qdisc{}, err
		}
		if is(q) {
			return qdisc{kind: q.Kind, ingressBlock: q.IngressBlock, egressBlock: q.EgressBlock}, nil
		}
	}
	return qdisc{missing: true}, nil
}

// refusal is what the kernel says of a hook that is not there. It is asked for
// a filter, which changes nothing.
func (h Clsact) refusal(c *netlink.Conn) error {
	f := h.Filter
	f.Pref, f.Kind, f.BPF = max(f.Pref, 1), "bpf", nil
	_, err := c.Filter(&f)
	if refused, ok := errors.AsType[*netlink.Error](err); ok {
		refused.Op = "add filter"
	}
	return err
}

// ensureQdisc creates the clsact qdisc if the hook has none.
func (s *filterSteps) ensureQdisc(e *session) error {
	if !s.at.missing || !s.creates() {
		return nil
	}
	err := e.conn.AddQdisc(netlink.Clsact(s.Filter.Ifindex))
	if errors.Is(err, os.ErrExist) { // by someone else, since
		s.at, err = s.findQdisc(e)
		return err
	}
	s.created = err == nil
	if netlink.Unanswered(err) {
		now, lookErr := s.findQdisc(e)
		s.created = lookErr == nil && now.kind == kindClsact
	}
	if !s.created {
		return fmt.Errorf("the device has no clsact qdisc: %w", err)
	}
	s.at = qdisc{kind: kindClsact}
	return nil
}

// deleteQdisc deletes the clsact qdisc that ensureQdisc created, unless someone else
// has put a filter there since.
func (s *filterSteps) deleteQdisc(e *session, m *move) {
	s.created = false
	used, err := s.usedQdisc(e)
	if err == nil && !used {
		err = e.conn.DeleteQdisc(netlink.Clsact(s.Filter.Ifindex))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		e.warn(fmt.Errorf("%s: the clsact qdisc that was created stays: %w", m.Device, err))
	}
}

// usedQdisc reports whether the clsact qdisc has filters.
func (s *filterSteps) usedQdisc(e *session) (bool, error) {
	for _, parent := range (qdisc{kind: kindClsact}).hooks() {
		for f, err := range e.conn.Filters(netlink.FilterQuery{Ifindex: s.Filter.Ifindex, Parent: parent}) {
			if f != nil || err != nil {
				return f != nil, err
			}
		}
	}
	return false, nil
}

package attach

import (
	"slices"

	"github.com/xdpload/xdpload/netlink"
)

// identify finds the pref, the handle and the protocol of the filter to set.
func (s *filterSteps) identify(e *session) (*target, error) {
	c, h := e.conn, s.Clsact
	f, to := h.Filter, h.asked()
	once := s.adds() && s.Idempotent && f.Handle == 0 && f.BPF.Name != ""
	switch {
	case s.adds() && !once:
		return to, nil
	case f.Handle != 0 && f.Pref != 0:
		f.Protocol = to.protocol
		var err error
		to.old, err = h.existing(c, f)
		return to, err
	case f.Handle != 0 || f.BPF.Name == "":
		return to, nil
	}
	all, err := h.chain(c)
	if err != nil {
		return nil, err
	}
	switch same := h.named(all); {
	case once:
		to.reserve(all)
	case len(same) > 1:
		return nil, &AmbiguousError{Device: h.name(e), Attachments: h.attachments(e, same)}
	case len(same) == 1:
		old := same[0]
		return &target{pref: old.Pref, handle: old.Handle, protocol: old.Protocol, old: old}, nil
	case !h.Change:
		to.reserve(all)
	}
	return to, nil
}

// asked is what h says itself.
func (h Clsact) asked() *target {
	f := h.Filter
	to := &target{pref: f.Pref, handle: f.Handle, protocol: f.Protocol}
	if f.Protocol == 0 && !h.Change {
		to.protocol = netlink.ProtocolAll
	}
	return to
}

// reserve chooses the pref and handle of a filter that is in no list yet, as the
// kernel does (net/sched/cls_api.c, tcf_auto_prio; net/sched/cls_bpf.c,
// cls_bpf_change). Of several who found none with the name at the same time, all
// choose alike, so that one succeeds and the others find its filter.
func (t *target) reserve(all []*netlink.Filter) {
	const first, choice = 0xc000, 0x8000 // the kernel's prefs are below the former, and begin at the latter
	t.reserved = true
	if t.pref == 0 {
		t.pref = first
		for _, f := range all { // in the order of their prefs
			if f.Pref >= choice {
				t.pref = f.Pref - 1
				break
			}
		}
	}
	for t.handle = 1; slices.ContainsFunc(all, t.is); {
		t.handle++
	}
}

// is reports whether a filter of the same chain is where t is.
func (t *target) is(f *netlink.Filter) bool { return f.Pref == t.pref && f.Handle == t.handle }

// Named lists the filters on the hook that have the name, the chain and, where
// they are set, the pref and the protocol of h's.
func (h Clsact) Named(c *netlink.Conn) ([]*netlink.Filter, error) {
	all, err := h.chain(c)
	return h.named(all), err
}

func (h Clsact) named(all []*netlink.Filter) (same []*netlink.Filter) {
	for _, f := range all {
		if f.BPF != nil && h.Filter.BPF != nil && f.BPF.Name == h.Filter.BPF.Name &&
			(h.Filter.Protocol == 0 || h.Filter.Protocol == f.Protocol) {
			same = append(same, f)
		}
	}
	return same
}

// chain lists the filters of h's chain and, where it is set, of its pref.
func (h Clsact) chain(c *netlink.Conn) (all []*netlink.Filter, err error) {
	for f, err := range c.Filters(netlink.FilterQuery{
		Ifindex: h.Filter.Ifindex, Parent: h.Filter.Parent, Block: h.Filter.Block,
		Chain: &h.Filter.Chain, Pref: h.Filter.Pref,
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// existing is nil if there is none, or one that the kernel does not show.
func (h Clsact) existing(c *netlink.Conn, f netlink.Filter) (*netlink.Filter, error) {
	f.Kind, f.BPF = "bpf", nil
	old, err := c.Filter(&f)
	if unasked(err) {
		return nil, err
	}
	if err != nil || old.Handle != f.Handle {
		return nil, nil //nolint:nilerr // the kernel's answer
	}
	return old, nil
}
